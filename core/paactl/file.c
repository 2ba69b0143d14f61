/* SPDX-License-Identifier: MIT */
/* file.h with read(2), so that no stdio buffer keeps a copy of a secret. */
#include "file.h"

#include "out.h"
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static bool read_all(int fd, struct buf *buf)
{
    char piece[4096];
    ssize_t size;

    do {
        size = read(fd, piece, sizeof piece);
        if (size > 0)
            buf_add(buf, piece, (size_t)size);
    } while (!buf->failed && (size > 0 || (size < 0 && errno == EINTR)));
    secret_wipe(piece, sizeof piece);
    return size >= 0;
}

bool file_read(const char *name, size_t max, struct buf *ret_buf)
{
    bool is_stdin = strcmp(name, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
    bool is_read;

    buf_init(ret_buf, max);
    if (fd < 0) {
        complain("%s cannot be opened: %s", name, strerror(errno));
        return false;
    }
    is_read = read_all(fd, ret_buf);
    if (ret_buf->failed)
        complain("%s is larger than %zu bytes", is_stdin ? "standard input" : name, max);
    else if (!is_read)
        complain("%s cannot be read: %s", is_stdin ? "standard input" : name, strerror(errno));
    if (!is_stdin)
        (void)close(fd);
    return is_read && !ret_buf->failed;
}
