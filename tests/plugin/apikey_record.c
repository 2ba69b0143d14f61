/* SPDX-License-Identifier: MIT */
/* A key's record: there and back, damaged in every place, and judged. */
#include "record.h"
#include "str.h"
#include "test.h"

enum { NOW = 1800000000, HOUR = 3600 };

static const unsigned char digest[RECORD_DIGEST_SIZE] = { 1, 2, 3, [31] = 32 };

static struct record plain(void)
{
    struct record record;

    memset(&record, 0, sizeof record);
    record.digest = digest;
    record.created_s = NOW - HOUR;
    record.id = STR("4Fq0ZrT1mKx8");
    record.client = STR("acme");
    record.instances = STR("partner-keys");
    return record;
}

static struct record full(unsigned char networks[2 * RECORD_NETWORK_SIZE])
{
    struct record record = plain();
    struct network network;

    record.flags = RECORD_IMPORTED | RECORD_PEPPERED;
    record.not_before_s = NOW - HOUR;
    record.expires_s = NOW + HOUR;
    record.retired_s = NOW + 2 * HOUR;
    record.revoked_s = NOW + 3 * HOUR;
    record.label = STR("asked for by Ada");
    record.scope = STR("orders:read orders:write");
    record.instances = STR("partner-keys other");
    (void)network_parse(STR("192.0.2.0/24"), &network);
    record_network_write(&network, networks);
    (void)network_parse(STR("2001:db8::/32"), &network);
    record_network_write(&network, networks + RECORD_NETWORK_SIZE);
    record.networks = networks;
    record.network_count = 2;
    return record;
}

static struct paa_bytes encoded(const struct record *record, struct buf *buf)
{
    buf_init(buf, RECORD_SIZE_MAX);
    if (!record_encode(record, buf))
        return BYTES_NONE;
    return paa_bytes_of(buf->data, buf->size);
}

TEST(a_record_is_read_as_it_was_written)
{
    unsigned char networks[2 * RECORD_NETWORK_SIZE];
    struct record record = full(networks);
    struct record read;
    struct buf buf;

    REQUIRE(record_decode(encoded(&record, &buf), &read));
    CHECK_INT(read.flags, record.flags);
    CHECK(memcmp(read.digest, digest, sizeof digest) == 0);
    CHECK_INT(read.created_s, record.created_s);
    CHECK_INT(read.not_before_s, record.not_before_s);
    CHECK_INT(read.expires_s, record.expires_s);
    CHECK_INT(read.retired_s, record.retired_s);
    CHECK_INT(read.revoked_s, record.revoked_s);
    CHECK_STR(read.id, "4Fq0ZrT1mKx8");
    CHECK_STR(read.client, "acme");
    CHECK_STR(read.label, "asked for by Ada");
    CHECK_STR(read.scope, "orders:read orders:write");
    CHECK_STR(read.instances, "partner-keys other");
    REQUIRE(read.network_count == 2);
    CHECK(memcmp(read.networks, networks, sizeof networks) == 0);
    buf_free(&buf);
}

TEST(a_record_cut_anywhere_is_refused)
{
    unsigned char networks[2 * RECORD_NETWORK_SIZE];
    struct record record = full(networks);
    struct record read;
    struct buf buf;
    struct paa_bytes bytes = encoded(&record, &buf);

    REQUIRE(bytes.size > 0);
    for (size_t size = 0; size < bytes.size; size++) {
        unsigned char *cut = malloc(size + 1); /* its own memory, so that ASan sees a step beyond */

        REQUIRE(cut != NULL);
        memcpy(cut, bytes.data, size);
        CHECK(!record_decode(paa_bytes_of(cut, size), &read));
        free(cut);
    }
    buf_add_char(&buf, 'x');
    CHECK(!record_decode(paa_bytes_of(buf.data, buf.size), &read));
    CHECK(!record_decode(BYTES_NONE, &read));
    buf_free(&buf);
}

TEST(another_format_or_an_unknown_flag_is_refused)
{
    struct record record = plain();
    struct record read;
    struct buf buf;
    struct paa_bytes bytes = encoded(&record, &buf);

    REQUIRE(bytes.size > 0);
    buf.data[1] = '2';
    CHECK(!record_decode(bytes, &read));
    buf.data[1] = '1';
    CHECK(record_decode(bytes, &read));
    buf.data[2] = 4;
    CHECK(!record_decode(bytes, &read));
    buf_free(&buf);
    record.flags = 4;
    CHECK(encoded(&record, &buf).data == NULL);
    buf_free(&buf);
}

TEST(a_negative_time_or_an_impossible_network_is_refused)
{
    unsigned char networks[2 * RECORD_NETWORK_SIZE];
    struct record record = full(networks);
    struct record read;
    struct buf buf;
    struct paa_bytes bytes = encoded(&record, &buf);

    REQUIRE(bytes.size > 0);
    buf.data[bytes.size - 1] = (char)129;
    CHECK(!record_decode(bytes, &read));
    buf.data[bytes.size - 1] = (char)128;
    CHECK(record_decode(bytes, &read));
    buf.data[2 + 2 + RECORD_DIGEST_SIZE + 7] = (char)0x80; /* created's sign */
    CHECK(!record_decode(bytes, &read));
    buf_free(&buf);
}

TEST(what_is_over_its_maximum_is_not_written)
{
    struct record record = plain();
    struct buf buf;
    char long_text[RECORD_SCOPE_MAX + 1];

    memset(long_text, 'a', sizeof long_text);
    record.client = paa_str_of_n(long_text, RECORD_CLIENT_MAX + 1);
    CHECK(encoded(&record, &buf).data == NULL);
    record.client = paa_str_of_n(long_text, RECORD_CLIENT_MAX);
    CHECK(encoded(&record, &buf).data != NULL);
    buf_free(&buf);
    record.scope = paa_str_of_n(long_text, RECORD_SCOPE_MAX + 1);
    CHECK(encoded(&record, &buf).data == NULL);
    record.scope = STR_NONE;
    record.client = STR_NONE;
    CHECK(encoded(&record, &buf).data == NULL);
}

TEST(clients_labels_and_scopes_are_checked_before_they_are_written)
{
    CHECK(record_text_valid(STR("Acme Ltd."), RECORD_CLIENT_MAX));
    CHECK(record_text_valid(STR("caf\xc3\xa9"), RECORD_CLIENT_MAX));
    CHECK(!record_text_valid(STR("caf\xe9"), RECORD_CLIENT_MAX));
    CHECK(!record_text_valid(STR(" acme"), RECORD_CLIENT_MAX));
    CHECK(!record_text_valid(STR("ac\nme"), RECORD_CLIENT_MAX));
    CHECK(!record_text_valid(STR("ac\0me"), RECORD_CLIENT_MAX));
    CHECK(!record_text_valid(STR("acme"), 3));
    CHECK(record_scope_valid(STR("orders:read")));
    CHECK(!record_scope_valid(STR("orders read")));
    CHECK(!record_scope_valid(STR("\"")));
    CHECK(!record_scope_valid(STR("")));
    CHECK(record_instance_valid(STR("partner-keys_2")));
    CHECK(!record_instance_valid(STR("Partner")));
    CHECK(!record_instance_valid(STR("")));
}

/* ---- judgement -------------------------------------------------------------------------------- */

static enum record_verdict judged(const struct record *record)
{
    return record_judge(record, NOW, STR("partner-keys"), STR("192.0.2.7"));
}

TEST(a_plain_key_is_good)
{
    struct record record = plain();

    CHECK_INT(judged(&record), RECORD_GOOD);
    CHECK_INT(record_judge(&record, NOW, STR("partner-keys"), STR_NONE), RECORD_GOOD);
    CHECK_INT(record_end(&record), 0);
}

TEST(a_revoked_key_is_revoked_whatever_else_it_is)
{
    struct record record = plain();

    record.revoked_s = NOW + HOUR; /* set by a machine whose clock is ahead: counts all the same */
    record.expires_s = NOW - HOUR;
    CHECK_INT(judged(&record), RECORD_REVOKED);
}

TEST(a_key_ends_at_the_second_it_names)
{
    struct record record = plain();

    record.expires_s = NOW + 1;
    CHECK_INT(judged(&record), RECORD_GOOD);
    record.expires_s = NOW;
    CHECK_INT(judged(&record), RECORD_EXPIRED);
    record.expires_s = 0;
    record.retired_s = NOW + 1;
    CHECK_INT(judged(&record), RECORD_GOOD);
    record.retired_s = NOW;
    CHECK_INT(judged(&record), RECORD_RETIRED);
    record.retired_s = 0;
    record.not_before_s = NOW;
    CHECK_INT(judged(&record), RECORD_GOOD);
    record.not_before_s = NOW + 1;
    CHECK_INT(judged(&record), RECORD_NOT_YET);
}

TEST(a_key_is_for_the_instances_it_names_only)
{
    struct record record = plain();

    CHECK_INT(record_judge(&record, NOW, STR("partner"), STR_NONE), RECORD_OTHER_INSTANCE);
    CHECK_INT(record_judge(&record, NOW, STR("keys"), STR_NONE), RECORD_OTHER_INSTANCE);
    record.instances = STR("a partner-keys b");
    CHECK_INT(judged(&record), RECORD_GOOD);
    record.instances = STR_NONE;
    CHECK_INT(judged(&record), RECORD_OTHER_INSTANCE);
}

TEST(a_key_with_networks_is_for_their_addresses_only)
{
    unsigned char networks[2 * RECORD_NETWORK_SIZE];
    struct record with = full(networks);
    struct record record = plain();

    record.networks = with.networks;
    record.network_count = 2;
    CHECK_INT(judged(&record), RECORD_GOOD);
    CHECK_INT(record_judge(&record, NOW, STR("partner-keys"), STR("2001:db8::1")), RECORD_GOOD);
    CHECK_INT(record_judge(&record, NOW, STR("partner-keys"), STR("::ffff:192.0.2.9")),
              RECORD_GOOD);
    CHECK_INT(record_judge(&record, NOW, STR("partner-keys"), STR("192.0.3.7")),
              RECORD_OTHER_NETWORK);
    CHECK_INT(record_judge(&record, NOW, STR("partner-keys"), STR("unix:/run/a")),
              RECORD_OTHER_NETWORK);
    CHECK_INT(record_judge(&record, NOW, STR("partner-keys"), STR_NONE), RECORD_OTHER_NETWORK);
}

TEST(the_end_is_the_earlier_of_expiry_and_grace)
{
    struct record record = plain();

    record.expires_s = NOW + 2;
    CHECK_INT(record_end(&record), NOW + 2);
    record.retired_s = NOW + 1;
    CHECK_INT(record_end(&record), NOW + 1);
    record.retired_s = NOW + 3;
    CHECK_INT(record_end(&record), NOW + 2);
}

TEST(states_are_words_for_people_and_count_as_live_while_they_work)
{
    struct record record = plain();

    CHECK_STR(paa_str_of(record_state(&record, NOW)), "live");
    record.not_before_s = NOW + 1;
    CHECK_STR(paa_str_of(record_state(&record, NOW)), "not yet");
    CHECK(record_is_live(&record, NOW));
    record.retired_s = NOW + 1;
    CHECK_STR(paa_str_of(record_state(&record, NOW)), "retiring");
    CHECK(record_is_live(&record, NOW));
    record.retired_s = NOW;
    CHECK_STR(paa_str_of(record_state(&record, NOW)), "retired");
    CHECK(!record_is_live(&record, NOW));
    record.retired_s = 0;
    record.expires_s = NOW;
    CHECK_STR(paa_str_of(record_state(&record, NOW)), "expired");
    CHECK(!record_is_live(&record, NOW));
    record.revoked_s = NOW;
    CHECK_STR(paa_str_of(record_state(&record, NOW)), "revoked");
    CHECK(!record_is_live(&record, NOW));
}
