/* SPDX-License-Identifier: MIT */
/* buf.h's buffer. Grows by copying and wiping, never by realloc, which would leave a copy behind. */
#include "buf.h"
#include "secret.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUF_FIRST = 64 };

static const size_t BUF_MOST = SIZE_MAX / 4; /* so that doubling and the NUL never overflow */

void buf_init(struct buf *buf, size_t max)
{
    memset(buf, 0, sizeof *buf);
    buf->max = max < BUF_MOST ? max : BUF_MOST;
}

void buf_free(struct buf *buf)
{
    secret_wipe(buf->data, buf->capacity);
    free(buf->data);
    buf_init(buf, buf->max);
}

void buf_clear(struct buf *buf)
{
    secret_wipe(buf->data, buf->size);
    buf->size = 0;
    buf->failed = false;
}

static bool grow(struct buf *buf, size_t needed)
{
    size_t capacity = buf->capacity > 0 ? buf->capacity : (size_t)BUF_FIRST;
    char *data;

    while (capacity < needed)
        capacity *= 2;
    if (capacity > buf->max + 1)
        capacity = buf->max + 1;
    data = malloc(capacity);
    if (data == NULL)
        return false;
    if (buf->size > 0)
        memcpy(data, buf->data, buf->size);
    secret_wipe(buf->data, buf->capacity);
    free(buf->data);
    buf->data = data;
    buf->capacity = capacity;
    return true;
}

/* Room for size more bytes and a NUL; else the failure is noted. */
static bool reserve(struct buf *buf, size_t size)
{
    if (buf->failed)
        return false;
    if (size > buf->max - buf->size ||
        (buf->size + size + 1 > buf->capacity && !grow(buf, buf->size + size + 1)))
        buf->failed = true;
    return !buf->failed;
}

void buf_add(struct buf *buf, const void *data, size_t size)
{
    if (!reserve(buf, size))
        return;
    if (size > 0)
        memcpy(buf->data + buf->size, data, size);
    buf->size += size;
    buf->data[buf->size] = '\0';
}

void buf_add_str(struct buf *buf, struct paa_str s)
{
    buf_add(buf, s.data, s.size);
}

void buf_add_text(struct buf *buf, const char *text)
{
    buf_add(buf, text, strlen(text));
}

void buf_add_char(struct buf *buf, char c)
{
    buf_add(buf, &c, 1);
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list list;
    int size;

    va_start(list, format);
    size = vsnprintf(NULL, 0, format, list);
    va_end(list);
    if (size < 0) {
        buf->failed = true;
        return;
    }
    if (!reserve(buf, (size_t)size))
        return;
    va_start(list, format);
    (void)vsnprintf(buf->data + buf->size, (size_t)size + 1, format, list);
    va_end(list);
    buf->size += (size_t)size;
}

struct paa_str buf_str(const struct buf *buf)
{
    return paa_str_of_n(buf->size > 0 ? buf->data : "", buf->size);
}

char *buf_detach(struct buf *buf)
{
    char *data = NULL;

    buf_add(buf, "", 0); /* an empty text is a text */
    if (buf->failed) {
        buf_free(buf);
        return NULL;
    }
    data = buf->data;
    buf_init(buf, buf->max);
    return data;
}
