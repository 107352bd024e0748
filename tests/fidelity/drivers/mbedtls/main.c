// mbed TLS: default preset, verification required (the default of a client), the name set.
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>
#include <signal.h>

#include "tests/fidelity/drivers/lines.h"

static void refuse(const mbedtls_ssl_context* ssl, int error) {
    char text[2048];
    mbedtls_strerror(error, text, sizeof(text));
    uint32_t flags =
        error == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED ? mbedtls_ssl_get_verify_result(ssl) : 0;
    size_t length = strlen(text);
    if (flags) mbedtls_x509_crt_verify_info(text + length, sizeof(text) - length, ": ", flags);
    answer_refused("", text);
}

static void read_answer(mbedtls_ssl_context* ssl, mbedtls_ssl_config* config) {
    unsigned char octets[4096];
    int total = 0, got = 1;
    double until = answer_deadline();
    while (got > 0 && total < MAX_ANSWER_BYTES) {
        double left = until - seconds_now();
        if (left < 0.001) return;
        mbedtls_ssl_conf_read_timeout(config, (uint32_t)(left * 1000));
        got = mbedtls_ssl_read(ssl, octets, sizeof(octets));
        total += got;
    }
}

static void run_case(const struct Case* the_case, mbedtls_ctr_drbg_context* random) {
    mbedtls_x509_crt roots;
    mbedtls_x509_crt_init(&roots);
    mbedtls_ssl_config config;
    mbedtls_ssl_config_init(&config);
    mbedtls_ssl_context ssl;
    mbedtls_ssl_init(&ssl);
    mbedtls_net_context net;
    mbedtls_net_init(&net);

    // Positive: so many certificates of the file could not be read, the others count.
    int error = mbedtls_x509_crt_parse_file(&roots, the_case->roots);
    if (error < 0) {
        char text[256];
        mbedtls_strerror(error, text, sizeof(text));
        answer_refused("roots: ", text);
        goto done;
    }
    error = mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_CLIENT,
                                        MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
    if (!error) {
        mbedtls_ssl_conf_ca_chain(&config, &roots, NULL);
        mbedtls_ssl_conf_rng(&config, mbedtls_ctr_drbg_random, random);
        mbedtls_ssl_conf_read_timeout(&config, DEADLINE_SECONDS * 1000);
        error = mbedtls_ssl_setup(&ssl, &config);
    }
    // Its one call for the name: also an IP address goes into server_name and is compared as text.
    if (!error) error = mbedtls_ssl_set_hostname(&ssl, the_case->name);
    if (error) {
        refuse(&ssl, error);
        goto done;
    }
    net.fd = connect_to_port(the_case->port);
    if (net.fd < 0) {
        answer_refused("connect: ", strerror(errno));
        goto done;
    }
    mbedtls_ssl_set_bio(&ssl, &net, mbedtls_net_send, NULL, mbedtls_net_recv_timeout);
    error = mbedtls_ssl_handshake(&ssl);
    if (error) {
        refuse(&ssl, error);
        goto done;
    }
    if (mbedtls_ssl_write(&ssl, (const unsigned char*)http_request, sizeof(http_request) - 1) > 0)
        read_answer(&ssl, &config);
    mbedtls_ssl_close_notify(&ssl);
    answer_accepted();

done:
    mbedtls_net_free(&net);
    mbedtls_ssl_free(&ssl);
    mbedtls_ssl_config_free(&config);
    mbedtls_x509_crt_free(&roots);
}

int main(int count, char** arguments) {
    if (count > 1 && strcmp(arguments[1], "--version") == 0) {
        char version[32];
        mbedtls_version_get_string(version);
        puts(version);
        return 0;
    }
    signal(SIGPIPE, SIG_IGN);
    mbedtls_entropy_context entropy;
    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_context random;
    mbedtls_ctr_drbg_init(&random);
    if (mbedtls_ctr_drbg_seed(&random, mbedtls_entropy_func, &entropy, NULL, 0) != 0) return 1;
    struct Case the_case;
    while (read_case(&the_case))
        run_case(&the_case, &random);
    mbedtls_ctr_drbg_free(&random);
    mbedtls_entropy_free(&entropy);
    return 0;
}
