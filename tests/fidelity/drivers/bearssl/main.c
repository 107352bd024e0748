// BearSSL: br_ssl_client_init_full with its minimal X.509 engine. Anchors are a name and a key
// each.
#include <bearssl.h>

#include "tests/fidelity/drivers/lines.h"

enum { MAX_ANCHORS = 64, MAX_ROOTS_BYTES = 1 << 20 };

struct Anchors {
    br_x509_trust_anchor list[MAX_ANCHORS];
    size_t count;
};

struct Octets {
    unsigned char* data;
    size_t length;
    int failed;  // no memory
};

static void append(void* to, const void* data, size_t length) {
    struct Octets* octets = to;
    unsigned char* grown = realloc(octets->data, octets->length + length + 1);
    if (!grown) {
        octets->failed = 1;
        return;
    }
    memcpy(grown + octets->length, data, length);
    octets->data = grown;
    octets->length += length;
}

static unsigned char* copy_of(const unsigned char* data, size_t length) {
    struct Octets octets = {NULL, 0, 0};
    append(&octets, data, length);
    return octets.data;
}

// The library has numbers only; these are the names of its header.
static const char* name_of(int error) {
#define NAME(error) \
    case error:     \
        return #error
    switch (error) {
        NAME(BR_ERR_OK);
        NAME(BR_ERR_BAD_PARAM);
        NAME(BR_ERR_BAD_STATE);
        NAME(BR_ERR_UNSUPPORTED_VERSION);
        NAME(BR_ERR_BAD_VERSION);
        NAME(BR_ERR_BAD_LENGTH);
        NAME(BR_ERR_TOO_LARGE);
        NAME(BR_ERR_BAD_MAC);
        NAME(BR_ERR_NO_RANDOM);
        NAME(BR_ERR_UNKNOWN_TYPE);
        NAME(BR_ERR_UNEXPECTED);
        NAME(BR_ERR_BAD_CCS);
        NAME(BR_ERR_BAD_ALERT);
        NAME(BR_ERR_BAD_HANDSHAKE);
        NAME(BR_ERR_OVERSIZED_ID);
        NAME(BR_ERR_BAD_CIPHER_SUITE);
        NAME(BR_ERR_BAD_COMPRESSION);
        NAME(BR_ERR_BAD_FRAGLEN);
        NAME(BR_ERR_BAD_SECRENEG);
        NAME(BR_ERR_EXTRA_EXTENSION);
        NAME(BR_ERR_BAD_SNI);
        NAME(BR_ERR_BAD_HELLO_DONE);
        NAME(BR_ERR_LIMIT_EXCEEDED);
        NAME(BR_ERR_BAD_FINISHED);
        NAME(BR_ERR_RESUME_MISMATCH);
        NAME(BR_ERR_INVALID_ALGORITHM);
        NAME(BR_ERR_BAD_SIGNATURE);
        NAME(BR_ERR_WRONG_KEY_USAGE);
        NAME(BR_ERR_NO_CLIENT_AUTH);
        NAME(BR_ERR_IO);
        NAME(BR_ERR_X509_INVALID_VALUE);
        NAME(BR_ERR_X509_TRUNCATED);
        NAME(BR_ERR_X509_EMPTY_CHAIN);
        NAME(BR_ERR_X509_INNER_TRUNC);
        NAME(BR_ERR_X509_BAD_TAG_CLASS);
        NAME(BR_ERR_X509_BAD_TAG_VALUE);
        NAME(BR_ERR_X509_INDEFINITE_LENGTH);
        NAME(BR_ERR_X509_EXTRA_ELEMENT);
        NAME(BR_ERR_X509_UNEXPECTED);
        NAME(BR_ERR_X509_NOT_CONSTRUCTED);
        NAME(BR_ERR_X509_NOT_PRIMITIVE);
        NAME(BR_ERR_X509_PARTIAL_BYTE);
        NAME(BR_ERR_X509_BAD_BOOLEAN);
        NAME(BR_ERR_X509_OVERFLOW);
        NAME(BR_ERR_X509_BAD_DN);
        NAME(BR_ERR_X509_BAD_TIME);
        NAME(BR_ERR_X509_UNSUPPORTED);
        NAME(BR_ERR_X509_LIMIT_EXCEEDED);
        NAME(BR_ERR_X509_WRONG_KEY_TYPE);
        NAME(BR_ERR_X509_BAD_SIGNATURE);
        NAME(BR_ERR_X509_TIME_UNKNOWN);
        NAME(BR_ERR_X509_EXPIRED);
        NAME(BR_ERR_X509_DN_MISMATCH);
        NAME(BR_ERR_X509_BAD_SERVER_NAME);
        NAME(BR_ERR_X509_CRITICAL_EXTENSION);
        NAME(BR_ERR_X509_NOT_CA);
        NAME(BR_ERR_X509_FORBIDDEN_KEY_USAGE);
        NAME(BR_ERR_X509_WEAK_PUBLIC_KEY);
        NAME(BR_ERR_X509_NOT_TRUSTED);
    }
#undef NAME
    return NULL;
}

static void refuse(const char* what, int error) {
    char text[128];
    const char* name = name_of(error);
    if (name)
        snprintf(text, sizeof(text), "%s", name);
    else if (error >= BR_ERR_SEND_FATAL_ALERT)
        snprintf(text, sizeof(text), "BR_ERR_SEND_FATAL_ALERT + %d",
                 error - BR_ERR_SEND_FATAL_ALERT);
    else if (error >= BR_ERR_RECV_FATAL_ALERT)
        snprintf(text, sizeof(text), "BR_ERR_RECV_FATAL_ALERT + %d",
                 error - BR_ERR_RECV_FATAL_ALERT);
    else
        snprintf(text, sizeof(text), "error %d", error);
    answer_refused(what, text);
}

// 0, or an error of the library.
static int add_anchor(struct Anchors* anchors, const struct Octets* der) {
    if (anchors->count == MAX_ANCHORS) return BR_ERR_X509_LIMIT_EXCEEDED;
    struct Octets subject = {NULL, 0, 0};
    br_x509_decoder_context decoder;
    br_x509_decoder_init(&decoder, append, &subject);
    br_x509_decoder_push(&decoder, der->data, der->length);
    const br_x509_pkey* key = br_x509_decoder_get_pkey(&decoder);
    if (!key || subject.failed) {
        free(subject.data);
        return key ? BR_ERR_X509_LIMIT_EXCEEDED : br_x509_decoder_last_error(&decoder);
    }
    br_x509_trust_anchor* anchor = &anchors->list[anchors->count++];
    anchor->dn.data = subject.data;
    anchor->dn.len = subject.length;
    anchor->flags = br_x509_decoder_isCA(&decoder) ? BR_X509_TA_CA : 0;
    anchor->pkey = *key;
    if (key->key_type == BR_KEYTYPE_RSA) {
        anchor->pkey.key.rsa.n = copy_of(key->key.rsa.n, key->key.rsa.nlen);
        anchor->pkey.key.rsa.e = copy_of(key->key.rsa.e, key->key.rsa.elen);
    } else {
        anchor->pkey.key.ec.q = copy_of(key->key.ec.q, key->key.ec.qlen);
    }
    return 0;
}

static void free_anchors(struct Anchors* anchors) {
    for (size_t i = 0; i < anchors->count; ++i) {
        br_x509_trust_anchor* anchor = &anchors->list[i];
        free(anchor->dn.data);
        if (anchor->pkey.key_type == BR_KEYTYPE_RSA) {
            free(anchor->pkey.key.rsa.n);
            free(anchor->pkey.key.rsa.e);
        } else {
            free(anchor->pkey.key.ec.q);
        }
    }
    anchors->count = 0;
}

// 0, or an error of the library; a file without a certificate is an empty chain.
static int load_anchors(struct Anchors* anchors, const char* path) {
    FILE* file = fopen(path, "rb");
    if (!file) return BR_ERR_IO;
    unsigned char* text = malloc(MAX_ROOTS_BYTES);
    size_t left = text ? fread(text, 1, MAX_ROOTS_BYTES, file) : 0;
    fclose(file);

    br_pem_decoder_context pem;
    br_pem_decoder_init(&pem);
    struct Octets der = {NULL, 0, 0};
    int error = 0, in_certificate = 0;
    for (const unsigned char* at = text; left > 0 && !error;) {
        size_t used = br_pem_decoder_push(&pem, at, left);
        at += used;
        left -= used;
        switch (br_pem_decoder_event(&pem)) {
            case BR_PEM_BEGIN_OBJ:
                in_certificate = strcmp(br_pem_decoder_name(&pem), "CERTIFICATE") == 0;
                der.length = 0;
                br_pem_decoder_setdest(&pem, in_certificate ? append : NULL, &der);
                break;
            case BR_PEM_END_OBJ:
                if (in_certificate)
                    error = der.failed ? BR_ERR_X509_LIMIT_EXCEEDED : add_anchor(anchors, &der);
                break;
            case BR_PEM_ERROR:
                error = BR_ERR_X509_INVALID_VALUE;
                break;
        }
    }
    free(der.data);
    free(text);
    return error ? error : anchors->count ? 0 : BR_ERR_X509_EMPTY_CHAIN;
}

// The engine wants at least one octet; -1 is the end.
static int read_socket(void* descriptor, unsigned char* to, size_t length) {
    ssize_t got = recv(*(int*)descriptor, to, length, 0);
    return got > 0 ? (int)got : -1;
}

static int write_socket(void* descriptor, const unsigned char* from, size_t length) {
    ssize_t sent = send(*(int*)descriptor, from, length, MSG_NOSIGNAL);
    return sent > 0 ? (int)sent : -1;
}

static void run_handshake(const struct Case* the_case, const struct Anchors* anchors) {
    static br_ssl_client_context client;
    static br_x509_minimal_context x509;
    static unsigned char buffer[BR_SSL_BUFSIZE_BIDI];
    br_ssl_client_init_full(&client, &x509, anchors->list, anchors->count);
    br_ssl_engine_set_buffer(&client.eng, buffer, sizeof(buffer), 1);
    // Its one call for the name: also an IP address goes into server_name and is compared as text.
    if (!br_ssl_client_reset(&client, the_case->name, 0)) {
        refuse("", br_ssl_engine_last_error(&client.eng));
        return;
    }
    int descriptor = connect_to_port(the_case->port);
    if (descriptor < 0) {
        answer_refused("connect: ", strerror(errno));
        return;
    }
    br_sslio_context io;
    br_sslio_init(&io, &client.eng, read_socket, &descriptor, write_socket, &descriptor);
    // Takes octets only once the handshake is complete.
    if (br_sslio_write_all(&io, http_request, sizeof(http_request) - 1) != 0) {
        refuse("", br_ssl_engine_last_error(&client.eng));
        close(descriptor);
        return;
    }
    double until = answer_deadline();
    int total = 0, got = br_sslio_flush(&io) == 0 ? 1 : -1;
    while (got > 0 && total < MAX_ANSWER_BYTES && limit_waiting_until(descriptor, until)) {
        unsigned char octets[4096];
        got = br_sslio_read(&io, octets, sizeof(octets));
        total += got;
    }
    // br_sslio_close would wait for the server's close_notify as long as the server likes.
    if (got > 0) {
        br_ssl_engine_close(&client.eng);
        br_sslio_flush(&io);
    }
    close(descriptor);
    answer_accepted();
}

int main(void) {
    struct Case the_case;
    static struct Anchors anchors;
    while (read_case(&the_case)) {
        int error = load_anchors(&anchors, the_case.roots);
        if (error)
            refuse("roots: ", error);
        else
            run_handshake(&the_case, &anchors);
        free_anchors(&anchors);
    }
    return 0;
}
