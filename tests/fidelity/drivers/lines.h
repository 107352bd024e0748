// What the drivers written in C and C++ share: cases come in as lines of port, name and roots, an
// answer goes out for each, and no socket waits longer than five seconds. It knows no TLS.
#ifndef HANDSET_TESTS_FIDELITY_DRIVERS_LINES_H
#define HANDSET_TESTS_FIDELITY_DRIVERS_LINES_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { DEADLINE_SECONDS = 5, MAX_ANSWER_BYTES = 64 * 1024 };

static const char http_request[] = "GET / HTTP/1.0\r\n\r\n";

struct Case {
    char line[8192];  // the other members point into it
    int port;
    const char* name;
    const char* roots;  // path of a PEM file
};

// 0 at the end of the input. A line that is no case ends the program: the harness made it.
static inline int read_case(struct Case* to) {
    if (!fgets(to->line, sizeof(to->line), stdin)) return 0;
    char* end = strchr(to->line, '\n');
    char* name = strchr(to->line, '\t');
    char* roots = name ? strchr(name + 1, '\t') : NULL;
    if (!end || !roots) {
        fputs("a case is a line of port, name and roots, separated by tabs\n", stderr);
        exit(2);
    }
    *end = *name = *roots = '\0';
    to->port = atoi(to->line);
    to->name = name + 1;
    to->roots = roots + 1;
    return 1;
}

static inline void answer_accepted(void) {
    puts("accepted");
    fflush(stdout);
}

// `what` and `text` may hold anything that a server sent: one line comes of it.
static inline void answer_refused(const char* what, const char* text) {
    printf("refused\t%s", what);
    for (; *text; ++text)
        putchar((unsigned char)*text < ' ' ? ' ' : *text);
    putchar('\n');
    fflush(stdout);
}

static inline void limit_waiting(int descriptor, double seconds) {
    struct timeval limit;
    limit.tv_sec = (time_t)seconds;
    limit.tv_usec = (suseconds_t)((seconds - (double)limit.tv_sec) * 1e6);
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

// A blocking socket whose connect, reads and writes give up after the deadline; -1 with errno.
static inline int connect_to_port(int port) {
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -1;
    limit_waiting(descriptor, DEADLINE_SECONDS);
    // Or the request waits 40 ms for the acknowledgement of the handshake's last message.
    const int at_once = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof(at_once));
    struct sockaddr_in address;
    memset(&address, 0, sizeof(address));
    address.sin_family = AF_INET;
    address.sin_port = htons((unsigned short)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(descriptor, (const struct sockaddr*)&address, sizeof(address)) != 0) {
        int reason = errno;
        close(descriptor);
        errno = reason;
        return -1;
    }
    return descriptor;
}

static inline int is_ip_address(const char* name) {
    unsigned char octets[16];
    return inet_pton(AF_INET, name, octets) == 1 || inet_pton(AF_INET6, name, octets) == 1;
}

static inline double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

// All of the server's answer to http_request has to come before this.
static inline double answer_deadline(void) {
    return seconds_now() + (double)DEADLINE_SECONDS;
}

// 0 when that time has passed.
static inline int limit_waiting_until(int descriptor, double until) {
    double left = until - seconds_now();
    if (left < 0.001) return 0;
    limit_waiting(descriptor, left);
    return 1;
}

#endif
