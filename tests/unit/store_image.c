/* SPDX-License-Identifier: MIT */
/* The image of a store by itself: what it holds while it grows, and what readers see meanwhile. */
#include "store_image.h"
#include "pins.h"
#include "store_cells.h"
#include "store_record.h"
#include "test.h"

#include <pthread.h>
#include <stdlib.h>

enum { KEYS = 700, STEPS = 60000, VALUE_MAX = 400, READERS = 4, WRITES = 20000, TABLE = 7 };

struct stage {
    struct pin_domain *domain;
    struct pins pins;
    struct image_owner owner;
    _Atomic uint64_t word;
};

static void retire(void *arg, void *object, void (*free_fn)(void *object, void *arg))
{
    pin_retire(arg, object, free_fn, NULL);
}

static void collect(void *arg)
{
    pin_collect(arg);
}

static void begin(struct stage *stage)
{
    memset(stage, 0, sizeof *stage);
    stage->domain = pin_domain_new();
    pins_join(&stage->pins, stage->domain);
    stage->owner.hash = (struct hash_key){ { 1, 2 } };
    stage->owner.bytes_max = (size_t)64 * 1024 * 1024;
    stage->owner.inline_max = VALUE_MAX;
    stage->owner.retire = retire;
    stage->owner.collect = collect;
    stage->owner.retire_arg = stage->domain;
    if (stage->domain == NULL || image_init(&stage->owner) != 0)
        abort();
    atomic_store(&stage->word, 2);
    image_set_word(&stage->owner, 2);
}

static void end(struct stage *stage)
{
    pins_leave(&stage->pins);
    image_free(&stage->owner);
    pin_domain_free(stage->domain);
}

static uint64_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static struct paa_bytes key_of(unsigned number, char text[16])
{
    (void)snprintf(text, 16, "key-%u", number);
    return paa_bytes_of(text, strlen(text));
}

/* All its bytes say which write it is of. */
static int put(struct stage *stage, unsigned number, size_t size, unsigned char mark,
               uint32_t flags)
{
    unsigned char value[VALUE_MAX];
    char text[16];
    struct image_entry entry = { .table = TABLE,
                                 .flags = flags,
                                 .key = key_of(number, text),
                                 .value = paa_bytes_of(value, size),
                                 .version = mark };

    memset(value, mark, size);
    return image_put(&stage->owner, &entry);
}

static enum image_look look(struct stage *stage, struct pins *pins, unsigned number,
                            bool is_expected, struct paa_bytes *ret_value)
{
    struct image_expected expected = { NULL, NULL, 0, 0, 0, { 0 } };
    const struct image_record *record = NULL;
    char text[16];
    struct paa_bytes key = key_of(number, text);
    enum image_look found;

    for (int i = 0; is_expected && i < 2; i++)
        image_expect(&stage->owner, pins, &expected, TABLE, key);
    found = image_look(&stage->owner, &stage->word, pins, &expected, TABLE, key, &record);
    *ret_value = found == IMAGE_HIT ? image_value(record) : paa_bytes_of(NULL, 0);
    return found;
}

struct known {
    bool is_there;
    size_t size;
    unsigned char mark;
};

static bool is_as_known(struct stage *stage, unsigned number, const struct known *known)
{
    struct paa_bytes value;
    enum image_look found = look(stage, &stage->pins, number, number % 2 == 0, &value);
    bool same = found == (known->is_there ? IMAGE_HIT : IMAGE_MISS);

    if (same && known->is_there)
        same = value.size == known->size &&
               (value.size == 0 ||
                (value.data[0] == known->mark && value.data[value.size - 1] == known->mark));
    pins_release(&stage->pins, 0);
    return same;
}

static void change_often(struct stage *stage, struct known known[KEYS], size_t value_max,
                         uint64_t chance)
{
    for (int step = 0; step < STEPS; step++) {
        unsigned number = (unsigned)(next(&chance) % KEYS);
        struct known *one = &known[number];
        char text[16];

        if (next(&chance) % 4 == 0) {
            image_remove(&stage->owner, TABLE, key_of(number, text));
            one->is_there = false;
        } else {
            one->is_there = true;
            one->size = next(&chance) % (value_max + 1);
            one->mark = (unsigned char)(1 + step % 255);
            REQUIRE(put(stage, number, one->size, one->mark,
                        next(&chance) % 8 == 0 ? IMAGE_RECORD_WIPE : 0) == 0);
        }
        REQUIRE(is_as_known(stage, number, one));
    }
}

static void holds_what_was_put(size_t value_max)
{
    static struct known known[KEYS];
    struct stage stage;
    size_t there = 0;

    memset(known, 0, sizeof known);
    begin(&stage);
    change_often(&stage, known, value_max, value_max);
    for (unsigned i = 0; i < KEYS; i++) {
        CHECK(is_as_known(&stage, i, &known[i]));
        there += known[i].is_there;
    }
    CHECK_INT(image_count(&stage.owner), there);
    end(&stage);
}

TEST(small_records_are_what_was_put_last)
{
    holds_what_was_put(20);
}

TEST(records_larger_than_a_cell_are_what_was_put_last)
{
    holds_what_was_put(VALUE_MAX);
}

static const struct image *image_in(const struct stage *stage)
{
    return atomic_load(&stage->owner.current);
}

static void put_many(struct stage *stage, size_t size)
{
    for (unsigned i = 0; i < 4 * KEYS; i++)
        REQUIRE(put(stage, i, size, 1, 0) == 0);
}

TEST(cells_become_as_large_as_their_records_want_them)
{
    static const struct {
        size_t value;
        size_t stride;
    } rows[] = { { 4, 192 }, { 150, 256 }, { 300, 64 } };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct stage stage;

        begin(&stage);
        if (i == 0) /* one that lies in a large cell keeps them large */
            REQUIRE(put(&stage, 9999, 120, 1, 0) == 0);
        put_many(&stage, rows[i].value);
        CHECK_INT(image_in(&stage)->stride, rows[i].stride);
        end(&stage);
    }
}

TEST(a_secret_lies_in_no_cell)
{
    struct stage stage;
    struct paa_bytes value;

    begin(&stage);
    REQUIRE(put(&stage, 1, 8, 1, IMAGE_RECORD_WIPE) == 0);
    REQUIRE(put(&stage, 2, 8, 1, 0) == 0);
    CHECK_INT(look(&stage, &stage.pins, 1, false, &value), IMAGE_HIT);
    CHECK(!cell_holds(image_in(&stage), (const struct image_record *)(const void *)value.data));
    CHECK_INT(look(&stage, &stage.pins, 2, false, &value), IMAGE_HIT);
    CHECK(cell_holds(image_in(&stage), (const struct image_record *)(const void *)value.data));
    end(&stage);
}

TEST(a_full_image_takes_nothing_more_and_keeps_what_it_has)
{
    struct stage stage;
    unsigned count = 0;

    begin(&stage);
    stage.owner.bytes_max = (size_t)256 * 1024;
    while (put(&stage, count, 100, 1, 0) == 0)
        count++;
    CHECK(count > 500 && count < 2600);
    CHECK(stage.owner.bytes <= stage.owner.bytes_max);
    for (unsigned i = 0; i < count; i++)
        CHECK(is_as_known(&stage, i, &(struct known){ true, 100, 1 }));
    end(&stage);
}

TEST(a_record_that_was_given_stays_as_it_is_while_all_is_replaced)
{
    struct stage stage;
    struct paa_bytes value;

    begin(&stage);
    REQUIRE(put(&stage, 1, 30, 5, 0) == 0);
    CHECK_INT(look(&stage, &stage.pins, 1, true, &value), IMAGE_HIT);
    for (unsigned i = 0; i < 4 * KEYS; i++)
        REQUIRE(put(&stage, i, 30, 9, 0) == 0);
    collect(stage.domain);
    for (size_t i = 0; i < value.size; i++)
        CHECK_INT(value.data[i], 5);
    end(&stage);
}

/* ---- threads -------------------------------------------------------------------------------------- */

static atomic_bool is_over;
static atomic_int torn;

static void *read_often(void *arg)
{
    struct stage *stage = arg;
    struct pins pins;
    uint64_t chance = (uint64_t)(uintptr_t)&pins;

    pins_join(&pins, stage->domain);
    while (!atomic_load(&is_over)) {
        struct paa_bytes value;
        bool is_hit = look(stage, &pins, (unsigned)(next(&chance) % KEYS), next(&chance) % 2 == 0,
                           &value) == IMAGE_HIT;

        for (size_t i = 1; is_hit && i < value.size; i++)
            if (value.data[i] != value.data[0])
                atomic_fetch_add(&torn, 1);
        pins_release(&pins, 0);
    }
    pins_leave(&pins);
    return NULL;
}

TEST(readers_see_whole_records_while_a_writer_replaces_them_and_the_image_grows)
{
    pthread_t threads[READERS];
    struct stage stage;
    uint64_t chance = 3;
    char text[16];

    begin(&stage);
    atomic_store(&is_over, false);
    atomic_store(&torn, 0);
    for (int i = 0; i < READERS; i++)
        REQUIRE(pthread_create(&threads[i], NULL, read_often, &stage) == 0);
    for (unsigned i = 0; i < WRITES; i++) {
        unsigned number = (unsigned)(next(&chance) % KEYS);

        if (i % 3 == 0)
            image_remove(&stage.owner, TABLE, key_of(number, text));
        else
            REQUIRE(put(&stage, number, next(&chance) % VALUE_MAX, (unsigned char)i, 0) == 0);
        if (i % (WRITES / 4) == 0)
            REQUIRE(image_reset(&stage.owner) == 0);
        image_set_word(&stage.owner, 2);
    }
    atomic_store(&is_over, true);
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(atomic_load(&torn), 0);
    end(&stage);
}
