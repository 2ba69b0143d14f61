/* SPDX-License-Identifier: MIT */
/* See memo_record.h. All numbers are big-endian; key and bytes stand at the end. */
#include "memo_record.h"

enum { LAYOUT = 2, FLAGS_ALL = MEMO_RECORD_HAS_BYTES | MEMO_RECORD_DROPPED };

size_t memo_record_size(const struct memo_record *record)
{
    return (size_t)MEMO_RECORD_HEAD + record->key.size + record->bytes.size;
}

static void put(unsigned char **at, uint64_t number, size_t size)
{
    for (size_t i = 0; i < size; i++)
        *(*at)++ = (unsigned char)(number >> (8 * (size - 1 - i)));
}

static uint64_t take(const unsigned char **at, size_t size)
{
    uint64_t number = 0;

    for (size_t i = 0; i < size; i++)
        number = number << 8 | *(*at)++;
    return number;
}

static void put_bytes(unsigned char **at, struct paa_bytes bytes)
{
    if (bytes.size > 0)
        memcpy(*at, bytes.data, bytes.size);
    *at += bytes.size;
}

void memo_record_write(const struct memo_record *record, unsigned char *ret_bytes)
{
    unsigned char *at = ret_bytes;

    put(&at, LAYOUT, 4);
    put(&at, record->flags, 4);
    put(&at, record->format, 4);
    put(&at, record->version, 8);
    put(&at, (uint64_t)record->made_s, 8);
    put(&at, (uint64_t)record->fresh_s, 8);
    put(&at, (uint64_t)record->waits_s, 8);
    put(&at, (uint64_t)record->usable_s, 8);
    put(&at, (uint64_t)record->keep_s, 8);
    put(&at, (uint64_t)record->forced_ms, 8);
    put(&at, (uint64_t)record->dropped_ms, 8);
    put(&at, (uint64_t)record->retry_ms, 8);
    put(&at, record->failures, 4);
    put(&at, record->key.size, 4);
    put(&at, record->bytes.size, 8);
    put_bytes(&at, record->key);
    put_bytes(&at, record->bytes);
}

bool memo_record_read(struct paa_bytes bytes, struct memo_record *ret_record)
{
    const unsigned char *at = bytes.data;
    uint64_t key_size, size;

    if (bytes.data == NULL || bytes.size < MEMO_RECORD_HEAD || take(&at, 4) != LAYOUT)
        return false;
    ret_record->flags = (uint32_t)take(&at, 4);
    ret_record->format = (uint32_t)take(&at, 4);
    ret_record->version = take(&at, 8);
    ret_record->made_s = (int64_t)take(&at, 8);
    ret_record->fresh_s = (int64_t)take(&at, 8);
    ret_record->waits_s = (int64_t)take(&at, 8);
    ret_record->usable_s = (int64_t)take(&at, 8);
    ret_record->keep_s = (int64_t)take(&at, 8);
    ret_record->forced_ms = (int64_t)take(&at, 8);
    ret_record->dropped_ms = (int64_t)take(&at, 8);
    ret_record->retry_ms = (int64_t)take(&at, 8);
    ret_record->failures = (uint32_t)take(&at, 4);
    key_size = take(&at, 4);
    size = take(&at, 8);
    if (key_size > bytes.size - MEMO_RECORD_HEAD ||
        size != bytes.size - MEMO_RECORD_HEAD - key_size)
        return false;
    ret_record->key = paa_bytes_of(at, (size_t)key_size);
    ret_record->bytes = paa_bytes_of(at + key_size, (size_t)size);
    if ((ret_record->flags & MEMO_RECORD_HAS_BYTES) == 0)
        ret_record->bytes = paa_bytes_of(NULL, 0);
    return (ret_record->flags & ~(uint32_t)FLAGS_ALL) == 0 &&
           (size == 0 || ret_record->bytes.data != NULL);
}
