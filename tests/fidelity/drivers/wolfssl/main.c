// wolfSSL: the method that takes the highest version of both sides. Debian's build follows OpenSSL
// in not verifying unless told to, so that a client has to say it.
#include <signal.h>
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

#include "tests/fidelity/drivers/lines.h"

static void refuse(int error, long verify_result) {
    char text[2 * WOLFSSL_MAX_ERROR_SZ];
    wolfSSL_ERR_error_string_n((unsigned long)error, text, WOLFSSL_MAX_ERROR_SZ);
    if (verify_result != X509_V_OK) {
        // Some of these numbers are OpenSSL's, others the library's own: it has no text for them.
        size_t length = strlen(text);
        snprintf(text + length, sizeof(text) - length, " (verify result %ld)", verify_result);
    }
    answer_refused("", text);
}

// Names as the manual has it: wolfSSL_check_domain_name before the handshake, and server_name by
// wolfSSL_UseSNI. Addresses have their own call. 1, or an error.
static int expect_name(WOLFSSL* ssl, const char* name) {
    if (is_ip_address(name))
        return wolfSSL_X509_VERIFY_PARAM_set1_ip_asc(wolfSSL_get0_param(ssl), name);
    int done = wolfSSL_UseSNI(ssl, WOLFSSL_SNI_HOST_NAME, name, (unsigned short)strlen(name));
    return done == WOLFSSL_SUCCESS ? wolfSSL_check_domain_name(ssl, name) : done;
}

// The library's own function starts over when the socket has waited long enough.
static int receive(WOLFSSL* ssl, char* to, int size, void* unused) {
    (void)unused;
    ssize_t got = recv(wolfSSL_get_fd(ssl), to, (size_t)size, 0);
    if (got > 0) return (int)got;
    return got == 0 ? WOLFSSL_CBIO_ERR_CONN_CLOSE : WOLFSSL_CBIO_ERR_GENERAL;
}

static void read_answer(WOLFSSL* ssl, int descriptor) {
    char octets[4096];
    int total = 0, got = 1;
    double until = answer_deadline();
    while (got > 0 && total < MAX_ANSWER_BYTES && limit_waiting_until(descriptor, until)) {
        got = wolfSSL_read(ssl, octets, sizeof(octets));
        total += got;
    }
}

static void run_case(const struct Case* the_case) {
    wolfSSL_ERR_clear_error();
    WOLFSSL* ssl = NULL;
    int descriptor = -1;
    int done = 0;
    WOLFSSL_CTX* context = wolfSSL_CTX_new(wolfSSLv23_client_method());
    if (!context) {
        answer_refused("", "no memory");
        return;
    }
    wolfSSL_CTX_SetIORecv(context, receive);
    wolfSSL_CTX_set_verify(context, WOLFSSL_VERIFY_PEER, NULL);
    done = wolfSSL_CTX_load_verify_locations(context, the_case->roots, NULL);
    if (done != WOLFSSL_SUCCESS) {
        char text[WOLFSSL_MAX_ERROR_SZ];
        unsigned long error = wolfSSL_ERR_peek_last_error();
        wolfSSL_ERR_error_string_n(error, text, sizeof(text));
        answer_refused("roots: ", error ? text : "no certificate that can be loaded");
        goto finish;
    }
    ssl = wolfSSL_new(context);
    done = ssl ? expect_name(ssl, the_case->name) : MEMORY_E;
    if (done != WOLFSSL_SUCCESS) {
        refuse(done, X509_V_OK);
        goto finish;
    }
    descriptor = connect_to_port(the_case->port);
    if (descriptor < 0) {
        answer_refused("connect: ", strerror(errno));
        goto finish;
    }
    wolfSSL_set_fd(ssl, descriptor);
    done = wolfSSL_connect(ssl);
    if (done != WOLFSSL_SUCCESS) {
        refuse(wolfSSL_get_error(ssl, done), wolfSSL_get_verify_result(ssl));
        goto finish;
    }
    if (wolfSSL_write(ssl, http_request, sizeof(http_request) - 1) > 0)
        read_answer(ssl, descriptor);
    wolfSSL_shutdown(ssl);
    answer_accepted();

finish:
    if (ssl) wolfSSL_free(ssl);
    if (descriptor >= 0) close(descriptor);
    wolfSSL_CTX_free(context);
}

int main(int count, char** arguments) {
    if (count > 1 && strcmp(arguments[1], "--version") == 0) {
        puts(wolfSSL_lib_version());
        return 0;
    }
    signal(SIGPIPE, SIG_IGN);
    if (wolfSSL_Init() != WOLFSSL_SUCCESS) return 1;
    struct Case the_case;
    while (read_case(&the_case))
        run_case(&the_case);
    wolfSSL_Cleanup();
    return 0;
}
