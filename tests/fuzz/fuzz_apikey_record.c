/* SPDX-License-Identifier: MIT */
/* A key's record from a damaged or hostile store: read within bounds, and what is read is written as the same
 * bytes. A revoked record is never judged good. */
#include "fuzz.h"
#include "record.h"
#include "str.h"

static void check_again(struct paa_bytes bytes, const struct record *record)
{
    struct buf buf;

    buf_init(&buf, RECORD_SIZE_MAX);
    HOLDS(record_encode(record, &buf));
    HOLDS(buf.size == bytes.size && memcmp(buf.data, bytes.data, bytes.size) == 0);
    buf_free(&buf);
}

static void check_judgement(const struct record *record)
{
    int64_t now_s = 1800000000;
    enum record_verdict verdict =
        record_judge(record, now_s, STR("partner-keys"), STR("192.0.2.7"));
    int64_t end_s = record_end(record);

    HOLDS(record_state(record, now_s) != NULL);
    if (verdict == RECORD_GOOD)
        HOLDS(record->revoked_s == 0 && (end_s == 0 || end_s > now_s) &&
              record_is_live(record, now_s));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct paa_bytes bytes = paa_bytes_of(data, size);
    struct record record;

    if (!record_decode(bytes, &record))
        return 0;
    check_again(bytes, &record);
    check_judgement(&record);
    return 0;
}
