%% Erlang's ssl: verify_peer with the name check that its manual gives for HTTPS.
%% The module is also the transport that it runs over (cb_info): it leads every name to 127.0.0.1
%% and is gen_tcp otherwise, so that ssl itself learns the name, as from any caller.
-module(fidelity_client).
-export([main/0, version/0]).
-export([connect/4, send/2, recv/3, setopts/2, getopts/2, getstat/2, peername/1, sockname/1, port/1,
         controlling_process/2, shutdown/2, close/1]).

-define(DEADLINE, 5000).
-define(MAX_ANSWER_BYTES, 65536).

version() ->
    {ok, _} = application:ensure_all_started(ssl),
    {ok, Version} = application:get_key(ssl, vsn),
    io:format("~s (ssl ~s)~n", [erlang:system_info(otp_release), Version]),
    halt(0).

main() ->
    {ok, _} = application:ensure_all_started(ssl),
    loop().

loop() ->
    case io:get_line("") of
        eof ->
            halt(0);
        Line ->
            [Port, Name, Roots] = string:split(string:trim(Line, trailing, "\n"), "\t", all),
            io:format("~ts~n", [answer(list_to_integer(Port), Name, Roots)]),
            forget_messages(),
            loop()
    end.

%% Of a connection that was left before its end.
forget_messages() ->
    receive _ -> forget_messages() after 0 -> ok end.

answer(Port, Name, Roots) ->
    case load(Roots) of
        {error, Why} ->
            ["refused\troots: ", one_line(io_lib:format("~tp", [Why]))];
        {ok, Certificates} ->
            case handshake(Port, Name, Certificates) of
                accepted -> "accepted";
                {refused, Why} -> ["refused\t", one_line(describe(Why))]
            end
    end.

load(Path) ->
    case file:read_file(Path) of
        {ok, Pem} ->
            try [Der || {'Certificate', Der, not_encrypted} <- public_key:pem_decode(Pem)] of
                Certificates ->
                    %% ssl passes over those that it cannot read, even when that is all of them.
                    case lists:any(fun is_readable/1, Certificates) of
                        true -> {ok, Certificates};
                        false -> {error, no_certificate}
                    end
            catch
                _:Why -> {error, Why}
            end;
        Error ->
            Error
    end.

is_readable(Der) ->
    try public_key:pkix_decode_cert(Der, otp) of
        _ -> true
    catch
        _:_ -> false
    end.

handshake(Port, Name, Certificates) ->
    Options = [{verify, verify_peer},
               {cacerts, Certificates},
               {customize_hostname_check,
                [{match_fun, public_key:pkix_verify_hostname_match_fun(https)}]},
               %% Each case has a handshake of its own.
               {reuse_sessions, false},
               {cb_info, {?MODULE, tcp, tcp_closed, tcp_error, tcp_passive}},
               {active, false}],
    try ssl:connect(host(Name), Port, Options, ?DEADLINE) of
        {ok, Socket} ->
            Until = erlang:monotonic_time(millisecond) + ?DEADLINE,
            _ = ssl:send(Socket, "GET / HTTP/1.0\r\n\r\n"),
            read_answer(Socket, Until, ?MAX_ANSWER_BYTES),
            ssl:close(Socket),
            accepted;
        {error, Why} ->
            {refused, Why}
    catch
        _:Why ->
            {refused, Why}
    end.

%% ssl checks an address as such only when it is given as one.
host(Name) ->
    case inet:parse_strict_address(Name) of
        {ok, Address} -> Address;
        {error, einval} -> Name
    end.

%% By messages: a passive ssl:recv of this version misses the server's close_notify.
read_answer(Socket, Until, Left) when Left > 0 ->
    _ = ssl:setopts(Socket, [{active, once}]),
    receive
        {ssl, Socket, Data} -> read_answer(Socket, Until, Left - iolist_size(Data));
        {ssl_closed, Socket} -> ok;
        {ssl_error, Socket, _} -> ok
    after max(0, Until - erlang:monotonic_time(millisecond)) ->
        ok
    end;
read_answer(_, _, _) ->
    ok.

describe({tls_alert, {Description, Text}}) ->
    io_lib:format("~tp: ~ts", [Description, Text]);
describe(Why) ->
    io_lib:format("~tp", [Why]).

one_line(Text) ->
    re:replace(unicode:characters_to_binary(Text), "[\\x00-\\x1f]+ *", " ",
               [global, unicode, {return, list}]).

connect(_Name, Port, Options, Timeout) ->
    gen_tcp:connect({127, 0, 0, 1}, Port, Options, Timeout).
send(Socket, Data) -> gen_tcp:send(Socket, Data).
recv(Socket, Length, Timeout) -> gen_tcp:recv(Socket, Length, Timeout).
setopts(Socket, Options) -> inet:setopts(Socket, Options).
getopts(Socket, Options) -> inet:getopts(Socket, Options).
getstat(Socket, Options) -> inet:getstat(Socket, Options).
peername(Socket) -> inet:peername(Socket).
sockname(Socket) -> inet:sockname(Socket).
port(Socket) -> inet:port(Socket).
controlling_process(Socket, Process) -> gen_tcp:controlling_process(Socket, Process).
shutdown(Socket, How) -> gen_tcp:shutdown(Socket, How).
close(Socket) -> gen_tcp:close(Socket).
