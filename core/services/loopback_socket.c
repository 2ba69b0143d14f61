/* SPDX-License-Identifier: MIT */
/* Sockets of loopback listeners, noted for the child that is not to have them. */
#include "loopback_inner.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

int loopback_socket(int family, char ret_host[LOOPBACK_HOST_MAX])
{
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    bool is_v4 = family == AF_INET;
    struct sockaddr *address = is_v4 ? (void *)&v4 : (void *)&v6;
    socklen_t size = is_v4 ? sizeof v4 : sizeof v6;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd >= 0 && bind(fd, address, size) == 0 && listen(fd, LOOPBACK_CONNECTIONS_MAX) == 0 &&
        getsockname(fd, address, &size) == 0) {
        (void)snprintf(ret_host, LOOPBACK_HOST_MAX, "%s:%u", is_v4 ? "127.0.0.1" : "[::1]",
                       (unsigned)ntohs(is_v4 ? v4.sin_port : v6.sin6_port));
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

void loopback_note(struct loopbacks *loopbacks, int fd)
{
    for (size_t i = 0; i < LOOPBACK_SOCKETS_MAX; i++)
        if (loopbacks->sockets[i] == 0) {
            loopbacks->sockets[i] = fd;
            return;
        }
}

void loopback_close_fd(struct loopbacks *loopbacks, int fd)
{
    pthread_mutex_lock(&loopbacks->lock);
    for (size_t i = 0; i < LOOPBACK_SOCKETS_MAX; i++)
        if (loopbacks->sockets[i] == fd)
            loopbacks->sockets[i] = 0;
    pthread_mutex_unlock(&loopbacks->lock);
    close(fd);
}
