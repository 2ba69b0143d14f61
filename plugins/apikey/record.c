/* SPDX-License-Identifier: MIT */
/* A key's record: bytes to struct and back, and who may use the key (record.h). */
#include "record.h"

#include "fields.h"
#include "json.h"
#include "str.h"

#include <endian.h>

enum {
    FLAGS_KNOWN = RECORD_IMPORTED | RECORD_PEPPERED,
    HEAD_SIZE = 2 + 2 + RECORD_DIGEST_SIZE + 5 * 8 + 6 * 2,
    INSTANCE_NAME_MAX = 64
};

/* ---- numbers ---------------------------------------------------------------------------------- */

static void put_u16(struct buf *buf, size_t number)
{
    buf_add_char(buf, (char)(number & 0xff));
    buf_add_char(buf, (char)(number >> 8 & 0xff));
}

static void put_time(struct buf *buf, int64_t time_s)
{
    uint64_t bits = (uint64_t)time_s;

    for (unsigned i = 0; i < 8; i++)
        buf_add_char(buf, (char)(bits >> (8 * i) & 0xff));
}

static size_t take_u16(const unsigned char **at)
{
    uint16_t bits;

    memcpy(&bits, *at, sizeof bits);
    *at += sizeof bits;
    return le16toh(bits);
}

static int64_t take_time(const unsigned char **at)
{
    uint64_t bits;

    memcpy(&bits, *at, sizeof bits);
    *at += sizeof bits;
    return (int64_t)le64toh(bits);
}

/* ---- what a record may hold ------------------------------------------------------------------- */

bool record_text_valid(struct paa_str text, size_t max)
{
    return text.size <= max && is_field_value(text) && utf8_valid(text);
}

bool record_scope_valid(struct paa_str token)
{
    for (size_t i = 0; i < token.size; i++) {
        unsigned char c = (unsigned char)token.data[i];

        if (c < 0x21 || c > 0x7e || c == '"' || c == '\\')
            return false;
    }
    return token.size > 0;
}

bool record_instance_valid(struct paa_str name)
{
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_' && c != '-')
            return false;
    }
    return name.size > 0 && name.size <= INSTANCE_NAME_MAX;
}

/* The same for what is written and what was read. */
static bool shape_valid(const struct record *record)
{
    return (record->flags & ~(uint32_t)FLAGS_KNOWN) == 0 && record->created_s >= 0 &&
           record->not_before_s >= 0 && record->expires_s >= 0 && record->retired_s >= 0 &&
           record->revoked_s >= 0 && record->id.size == RECORD_ID_SIZE && record->client.size > 0 &&
           record->client.size <= RECORD_CLIENT_MAX && record->label.size <= RECORD_LABEL_MAX &&
           record->scope.size <= RECORD_SCOPE_MAX &&
           record->instances.size <= RECORD_INSTANCES_MAX &&
           record->network_count <= RECORD_NETWORKS_MAX;
}

/* ---- bytes ------------------------------------------------------------------------------------ */

void record_network_write(const struct network *network,
                          unsigned char ret_bytes[RECORD_NETWORK_SIZE])
{
    memcpy(ret_bytes, network->address, sizeof network->address);
    ret_bytes[sizeof network->address] = network->bits;
}

struct network record_network(const struct record *record, size_t index)
{
    const unsigned char *bytes = record->networks + index * RECORD_NETWORK_SIZE;
    struct network network;

    memcpy(network.address, bytes, sizeof network.address);
    network.bits = bytes[sizeof network.address];
    return network;
}

bool record_encode(const struct record *record, struct buf *buf)
{
    if (!shape_valid(record))
        return false;
    buf_add_text(buf, "k1");
    put_u16(buf, record->flags);
    buf_add(buf, record->digest, RECORD_DIGEST_SIZE);
    put_time(buf, record->created_s);
    put_time(buf, record->not_before_s);
    put_time(buf, record->expires_s);
    put_time(buf, record->retired_s);
    put_time(buf, record->revoked_s);
    put_u16(buf, record->id.size);
    put_u16(buf, record->client.size);
    put_u16(buf, record->label.size);
    put_u16(buf, record->scope.size);
    put_u16(buf, record->instances.size);
    put_u16(buf, record->network_count);
    buf_add_str(buf, record->id);
    buf_add_str(buf, record->client);
    buf_add_str(buf, record->label);
    buf_add_str(buf, record->scope);
    buf_add_str(buf, record->instances);
    buf_add(buf, record->networks, record->network_count * RECORD_NETWORK_SIZE);
    return !buf->failed;
}

/* The five texts and the networks, whose sizes stand at `at`. */
static bool decode_tail(const unsigned char *at, const unsigned char *end, struct record *record)
{
    struct paa_str *texts[] = { &record->id, &record->client, &record->label, &record->scope,
                                &record->instances };
    const unsigned char *text = at + 6 * 2;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        size_t size = take_u16(&at);

        if (size > (size_t)(end - text))
            return false;
        *texts[i] = paa_str_of_n((const char *)text, size);
        text += size;
    }
    record->network_count = take_u16(&at);
    record->networks = text;
    if (record->network_count * RECORD_NETWORK_SIZE != (size_t)(end - text))
        return false;
    for (size_t i = 0; i < record->network_count; i++)
        if (record_network(record, i).bits > 128)
            return false;
    return true;
}

/* Here only what keeps reading within bounds: the file is trusted or refused as a whole, verbs check texts before
 * they write them, and the core checks what becomes a field. */
bool record_decode(struct paa_bytes bytes, struct record *ret_record)
{
    const unsigned char *at = bytes.data;
    struct record record;

    memset(&record, 0, sizeof record);
    if (bytes.size < HEAD_SIZE || bytes.size > RECORD_SIZE_MAX || memcmp(at, "k1", 2) != 0)
        return false;
    at += 2;
    record.flags = (uint32_t)take_u16(&at);
    record.digest = at;
    at += RECORD_DIGEST_SIZE;
    record.created_s = take_time(&at);
    record.not_before_s = take_time(&at);
    record.expires_s = take_time(&at);
    record.retired_s = take_time(&at);
    record.revoked_s = take_time(&at);
    if (!decode_tail(at, bytes.data + bytes.size, &record) || !shape_valid(&record))
        return false;
    *ret_record = record;
    return true;
}

/* ---- judgement -------------------------------------------------------------------------------- */

int64_t record_end(const struct record *record)
{
    if (record->expires_s == 0 || record->retired_s == 0)
        return record->expires_s + record->retired_s;
    return record->expires_s < record->retired_s ? record->expires_s : record->retired_s;
}

static bool network_allows(const struct record *record, struct paa_str address)
{
    for (size_t i = 0; i < record->network_count; i++) {
        struct network network = record_network(record, i);

        if (address.data != NULL && network_has(&network, address))
            return true;
    }
    return record->network_count == 0;
}

enum record_verdict record_judge(const struct record *record, int64_t now_s,
                                 struct paa_str instance, struct paa_str address)
{
    if (record->revoked_s != 0)
        return RECORD_REVOKED;
    if (record->expires_s != 0 && now_s >= record->expires_s)
        return RECORD_EXPIRED;
    if (record->retired_s != 0 && now_s >= record->retired_s)
        return RECORD_RETIRED;
    if (now_s < record->not_before_s)
        return RECORD_NOT_YET;
    if (!str_eq(record->instances, instance) && !str_has_word(record->instances, instance))
        return RECORD_OTHER_INSTANCE;
    if (!network_allows(record, address))
        return RECORD_OTHER_NETWORK;
    return RECORD_GOOD;
}

bool record_is_live(const struct record *record, int64_t now_s)
{
    int64_t end = record_end(record);

    return record->revoked_s == 0 && (end == 0 || now_s < end);
}

const char *record_state(const struct record *record, int64_t now_s)
{
    if (record->revoked_s != 0)
        return "revoked";
    if (record->expires_s != 0 && now_s >= record->expires_s)
        return "expired";
    if (record->retired_s != 0)
        return now_s >= record->retired_s ? "retired" : "retiring";
    return now_s < record->not_before_s ? "not yet" : "live";
}
