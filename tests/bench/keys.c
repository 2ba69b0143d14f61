/* SPDX-License-Identifier: MIT */
#include "keys.h"

#include "apikey.h"
#include "measure.h"
#include "store_sqlite.h"

#include <stdio.h>
#include <stdlib.h>

#define INSTANCE "clients"

enum { CREATED_S = 1700000000, COMMIT_ROWS = 200000, CHOSEN = KEY_ID_SIZE + KEY_SECRET_SIZE };

/* ---- chance that is the same each time (splitmix64) ---------------------------------------------- */

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static void choose(uint64_t *state, char chosen[CHOSEN])
{
    size_t size = 0;

    while (size < CHOSEN) {
        uint64_t word = next_random(state);

        size += key_characters(paa_bytes_of(&word, sizeof word), chosen + size, CHOSEN - size);
    }
}

/* ---- texts ------------------------------------------------------------------------------------- */

/* By chance that begins with seed; ids as those of other, unless that is NULL. */
static void make(struct keys *ret_keys, size_t count, uint64_t seed, const struct keys *other)
{
    char chosen[CHOSEN];
    char text[KEY_TEXT_MAX];

    ret_keys->count = count;
    ret_keys->texts = malloc(count * BENCH_KEY_SIZE);
    if (ret_keys->texts == NULL)
        bench_fail("no memory for %zu keys", count);
    for (size_t i = 0; i < count; i++) {
        choose(&seed, chosen);
        if (other != NULL)
            memcpy(chosen, keys_id(other, i), KEY_ID_SIZE);
        if (key_write(STR("paa"), chosen, text) != BENCH_KEY_SIZE)
            bench_fail("a key has another size than %d", BENCH_KEY_SIZE);
        memcpy(ret_keys->texts + i * BENCH_KEY_SIZE, text, BENCH_KEY_SIZE);
    }
}

void keys_make(struct keys *ret_keys, size_t count)
{
    make(ret_keys, count, count, NULL);
}

void keys_make_wrong(struct keys *ret_keys, const struct keys *keys, bool is_known)
{
    make(ret_keys, keys->count, ~(uint64_t)keys->count, is_known ? keys : NULL);
}

void keys_free(struct keys *keys)
{
    free(keys->texts);
    keys->texts = NULL;
}

const char *keys_text(const struct keys *keys, size_t index)
{
    return keys->texts + index * BENCH_KEY_SIZE;
}

const char *keys_id(const struct keys *keys, size_t index)
{
    return keys_text(keys, index) + sizeof "paa_" - 1;
}

/* ---- the store --------------------------------------------------------------------------------- */

struct filling {
    struct disk *disk;
    struct disk_meta meta;
    uint32_t keys;
    uint32_t index;
    struct digest_lane digest;
};

static void need(struct filling *f, enum disk_result result)
{
    if (result != DISK_OK)
        bench_fail("the store cannot be filled: %s", disk_error(f->disk));
}

static void put(struct filling *f, uint32_t table, struct paa_bytes key, struct paa_bytes value)
{
    struct disk_row row = {
        .version = ++f->meta.sequence, .table = table, .key = key, .value = value
    };

    need(f, disk_put(f->disk, &row));
}

/* As find.c has it: "c" client NUL id leads to the key's record. */
static void put_index(struct filling *f, const struct record *record)
{
    unsigned char key[INDEX_KEY_SIZE_MAX] = { 'c' };
    size_t size = 1 + record->client.size + 1;

    memcpy(key + 1, record->client.data, record->client.size);
    memcpy(key + size, record->id.data, record->id.size);
    put(f, f->index, paa_bytes_of(key, size + record->id.size),
        paa_bytes_of(record->id.data, record->id.size));
}

static void put_key(struct filling *f, const char *text)
{
    unsigned char digest[DIGEST_SIZE];
    struct key_parts parts;
    struct record record;
    struct buf buf;

    memset(&record, 0, sizeof record);
    if (key_parse(paa_str_of_n(text, BENCH_KEY_SIZE), &parts) != KEY_MINTED ||
        !digest_minted(&f->digest, &parts, digest))
        bench_fail("a key of its own is not understood");
    record.digest = digest;
    record.created_s = CREATED_S;
    record.id = parts.id;
    record.client = STR("somebody");
    record.instances = STR(INSTANCE);
    buf_init(&buf, RECORD_SIZE_MAX);
    if (!record_encode(&record, &buf))
        bench_fail("a record cannot be written");
    put_index(f, &record);
    put(f, f->keys, paa_bytes_of(record.id.data, record.id.size), paa_bytes_of(buf.data, buf.size));
    buf_free(&buf);
}

static void begin(struct filling *f)
{
    need(f, disk_begin(f->disk, true));
    need(f, disk_meta_read(f->disk, &f->meta));
}

static void commit(struct filling *f)
{
    f->meta.commits++;
    need(f, disk_meta_write(f->disk, &f->meta));
    need(f, disk_commit(f->disk));
}

/* Every index once, far from in order: a stride that has no divisor in common with count. */
static size_t stride_of(size_t count)
{
    size_t stride = count * 618 / 1000 | 1;

    for (;; stride += 2) {
        size_t a = stride, b = count;

        while (b != 0) {
            size_t rest = a % b;

            a = b;
            b = rest;
        }
        if (a == 1)
            return stride;
    }
}

void keys_store(const struct keys *keys, const char *path)
{
    struct filling f;
    enum disk_result result;
    struct paa_error error;
    size_t stride = stride_of(keys->count);
    size_t at = 0;
    FILE *file = fopen(path, "wxe"); /* the folder is ours alone */

    memset(&f, 0, sizeof f);
    if (file == NULL || fclose(file) != 0 || !digest_lane_init(&f.digest))
        bench_fail("%s cannot be made", path);
    f.disk = disk_open(path, true, true, &result, &error);
    if (f.disk == NULL)
        bench_fail("%s", error.text);
    begin(&f);
    need(&f, disk_table(f.disk, "trusted:apikey//keys", true, &f.keys));
    need(&f, disk_table(f.disk, "trusted:apikey//key-index", true, &f.index));
    for (size_t i = 0; i < keys->count; i++, at = (at + stride) % keys->count) {
        put_key(&f, keys_text(keys, at));
        if ((i + 1) % COMMIT_ROWS == 0) {
            commit(&f);
            begin(&f);
        }
    }
    commit(&f);
    disk_close(f.disk, true);
    digest_lane_done(&f.digest);
}
