/* SPDX-License-Identifier: MIT */
/* See packed.h. */
#include "packed.h"

#include "str.h"

enum { INT_SIZE = 8, LENGTH_SIZE = 2 };

void pack_bytes(struct packer *packer, const void *data, size_t size)
{
    if (packer->failed || packer->max - packer->size < size) {
        packer->failed = true;
        return;
    }
    if (size > 0)
        memcpy(packer->bytes + packer->size, data, size);
    packer->size += size;
}

void pack_int(struct packer *packer, int64_t value)
{
    unsigned char bytes[INT_SIZE];

    for (size_t i = 0; i < INT_SIZE; i++)
        bytes[i] = (unsigned char)((uint64_t)value >> (8 * (INT_SIZE - 1 - i)));
    pack_bytes(packer, bytes, sizeof bytes);
}

/* The length is one more than it is, so that 0 is absent. */
void pack_str(struct packer *packer, struct paa_str text)
{
    size_t length = text.data != NULL ? text.size + 1 : 0;
    const unsigned char bytes[LENGTH_SIZE] = { (unsigned char)(length >> 8 & 0xff),
                                               (unsigned char)(length & 0xff) };

    if (length > UINT16_MAX)
        packer->failed = true;
    pack_bytes(packer, bytes, sizeof bytes);
    pack_bytes(packer, text.data, text.size);
}

void unpack_bytes(struct unpacker *unpacker, void *ret_data, size_t size)
{
    if (unpacker->failed || unpacker->rest.size < size) {
        unpacker->failed = true;
        memset(ret_data, 0, size);
        return;
    }
    memcpy(ret_data, unpacker->rest.data, size);
    unpacker->rest = paa_bytes_of(unpacker->rest.data + size, unpacker->rest.size - size);
}

int64_t unpack_int(struct unpacker *unpacker)
{
    unsigned char bytes[INT_SIZE];
    uint64_t value = 0;

    unpack_bytes(unpacker, bytes, sizeof bytes);
    for (size_t i = 0; i < INT_SIZE; i++)
        value = value << 8 | bytes[i];
    return (int64_t)value;
}

struct paa_str unpack_str(struct unpacker *unpacker)
{
    unsigned char bytes[LENGTH_SIZE];
    struct paa_str text;
    size_t length;

    unpack_bytes(unpacker, bytes, sizeof bytes);
    length = (size_t)bytes[0] << 8 | bytes[1];
    if (unpacker->failed || length == 0)
        return STR_NONE;
    if (unpacker->rest.size < length - 1) {
        unpacker->failed = true;
        return STR_NONE;
    }
    text = paa_str_of_n((const char *)unpacker->rest.data, length - 1);
    unpacker->rest =
        paa_bytes_of(unpacker->rest.data + length - 1, unpacker->rest.size - (length - 1));
    return text;
}

bool unpack_end(const struct unpacker *unpacker)
{
    return !unpacker->failed && unpacker->rest.size == 0;
}
