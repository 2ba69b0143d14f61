/* SPDX-License-Identifier: MIT */
/* See store_image.h. Why a reader never follows a freed pointer stands at look_in. */
#include "store_image.h"
#include "store_cells.h"
#include "store_record.h"

static struct image *image_of(const struct image_owner *owner)
{
    return atomic_load_explicit(&owner->current, memory_order_acquire);
}

/* ---- cells ---- */

static uint64_t hash_of(const struct image_owner *owner, uint32_t table, struct paa_bytes key)
{
    struct hash_key hash = { { owner->hash.word[0] ^ table, owner->hash.word[1] } };

    return hash_bytes(&hash, key.data, key.size);
}

static bool record_is(const struct image_record *record, uint32_t table, struct paa_bytes key)
{
    return record->table == table && record->key_size == key.size &&
           memcmp(record->bytes, key.data, key.size) == 0;
}

/* The writer's look: the key's cell, or the first unused one where it would go. Removed cells of the same
 * hash serve again. */
static struct image_cell *cell_for(const struct image *image, uint64_t hash, uint32_t table,
                                   struct paa_bytes key)
{
    struct image_cell *removed = NULL;

    for (size_t i = cell_home(image, hash);; i = cell_after(image, i)) {
        uint16_t there = atomic_load_explicit(&image->tags[i], memory_order_relaxed);
        struct image_cell *cell = cell_at(image, i);
        struct image_record *record;

        if (there == 0)
            return removed != NULL ? removed : cell;
        if (there != cell_tag(hash) || cell->hash != hash)
            continue;
        record = atomic_load_explicit(&cell->record, memory_order_relaxed);
        if (record != NULL && record_is(record, table, key))
            return cell;
        if (record == NULL && removed == NULL)
            removed = cell;
    }
}

enum cell_look { CELL_HIT = 1, CELL_MISS, CELL_MOVED, CELL_FAILED };

static bool is_published(const struct image_owner *owner, const struct image *image)
{
    return atomic_load_explicit(&owner->current, memory_order_seq_cst) == image;
}

/* Of what the cell names: a record that lies in a cell ends with its image, which the reader has pinned already. */
static const struct image_record *cell_pin(const struct image *image, struct image_cell *cell,
                                           struct pins *pins)
{
    struct image_record *record = atomic_load_explicit(&cell->record, memory_order_acquire);

    return record == NULL || cell_holds(image, record) ? record : pins_get(pins, &cell->record);
}

/*
 * A reader holds a record elsewhere only if, after its pin was visible, the cell still named the record AND the
 * image was still the published one. The writer changes cells of the published image only, and
 * publishes a rebuilt image before it retires anything through it: so a record that a scan of the pins
 * missed was taken out before the reader looked again, and the reader starts over. A reset image claims
 * no word until it is whole, and the word is read after the image was pinned.
 */
static enum cell_look look_in(const struct image_owner *owner, const struct image *image,
                              uint64_t hash, struct pins *pins, uint32_t table,
                              struct paa_bytes key, const struct image_record **ret_record)
{
    size_t mark = pins_mark(pins);

    for (size_t i = cell_home(image, hash);; i = cell_after(image, i)) {
        uint16_t there = atomic_load_explicit(&image->tags[i], memory_order_acquire);
        struct image_cell *cell = cell_at(image, i);
        const struct image_record *record;

        if (there == 0)
            return is_published(owner, image) ? CELL_MISS : CELL_MOVED;
        if (there != cell_tag(hash))
            continue;
        record = cell_pin(image, cell, pins);
        if (record == NULL) { /* removed, or no memory for a pin, which must not read as absence */
            if (atomic_load_explicit(&cell->record, memory_order_acquire) != NULL)
                return CELL_FAILED;
            continue;
        }
        /* before the record is looked at: it may be gone */
        if (pins_mark(pins) > mark && !is_published(owner, image))
            return CELL_MOVED;
        if (record_is(record, table, key)) {
            *ret_record = record;
            return CELL_HIT;
        }
        pins_release(pins, mark);
    }
}

/* ---- what is asked for next ---- */

static bool is_expected(const struct image_expected *expected, const struct image_owner *owner,
                        uint32_t table, struct paa_bytes key)
{
    return expected->owner == owner && expected->table == table && expected->key_size == key.size &&
           (key.size == 0 || memcmp(expected->key, key.data, key.size) == 0);
}

static void expect_cell(const struct image *image, uint64_t hash)
{
    for (size_t i = cell_home(image, hash);; i = cell_after(image, i)) {
        uint16_t there = atomic_load_explicit(&image->tags[i], memory_order_relaxed);

        if (there == cell_tag(hash))
            lines_prefetch(cell_at(image, i), image->stride);
        if (there == cell_tag(hash) || there == 0)
            return;
    }
}

static void expect_tag(const struct image *image, uint64_t hash)
{
    __builtin_prefetch(&image->tags[cell_home(image, hash)]);
}

void image_expect(struct image_owner *owner, struct pins *pins, struct image_expected *expected,
                  uint32_t table, struct paa_bytes key)
{
    if (key.size > IMAGE_EXPECTED_KEY_MAX)
        return;
    if (expected->image == NULL) /* one pin, however often and whatever is expected */
        expected->image = pins_get(pins, &owner->current);
    if (expected->image == NULL || expected->image != image_of(owner))
        return;
    if (is_expected(expected, owner, table, key)) {
        expect_cell(expected->image, expected->hash);
        return;
    }
    expected->hash = hash_of(owner, table, key);
    expect_tag(expected->image, expected->hash);
    expected->owner = owner;
    expected->table = table;
    expected->key_size = (uint32_t)key.size;
    if (key.size > 0)
        memcpy(expected->key, key.data, key.size);
}

/* The published image, pinned: since it was expected, or now. A pin that was held all the while is as good
 * as one that is taken now, if the image is published now. */
static const struct image *image_pin(struct image_owner *owner, struct pins *pins,
                                     const struct image_expected *expected)
{
    if (expected->image != NULL && is_published(owner, expected->image))
        return expected->image;
    return pins_get(pins, &owner->current);
}

enum image_look image_look(struct image_owner *owner, const _Atomic uint64_t *word,
                           struct pins *pins, const struct image_expected *expected, uint32_t table,
                           struct paa_bytes key, const struct image_record **ret_record)
{
    uint64_t hash =
        is_expected(expected, owner, table, key) ? expected->hash : hash_of(owner, table, key);
    size_t mark = pins_mark(pins);
    enum cell_look look = CELL_MOVED;
    const struct image_record *record = NULL;

    while (look == CELL_MOVED) {
        const struct image *image;

        pins_release(pins, mark);
        image = image_pin(owner, pins, expected);
        look = CELL_FAILED;
        if (image == NULL)
            break;
        expect_tag(image, hash);
        if (atomic_load_explicit(&image->word, memory_order_acquire) ==
            atomic_load_explicit(word, memory_order_acquire))
            look = look_in(owner, image, hash, pins, table, key, &record);
    }
    if (look == CELL_HIT && !(record->flags & IMAGE_RECORD_ELSEWHERE)) {
        *ret_record = record;
        return IMAGE_HIT;
    }
    pins_release(pins, mark);
    return look == CELL_MISS ? IMAGE_MISS : IMAGE_ASK;
}

/* ---- the writer ---- */

static struct image *image_first(void)
{
    return image_new(CELLS_MIN, (size_t)CELL_LINES_FIRST * CELL_LINE);
}

int image_init(struct image_owner *owner)
{
    struct image *image = image_first();

    if (image == NULL)
        return -1;
    owner->bytes = image_size(image);
    atomic_store(&owner->current, image);
    return 0;
}

static bool is_in_cell(const struct image_record *record)
{
    return (record->flags & IMAGE_RECORD_CELL) != 0;
}

static void image_clear(struct image_owner *owner, struct image *image, bool now)
{
    for (size_t i = 0; i < image->count; i++) {
        void *record = atomic_load_explicit(&cell_at(image, i)->record, memory_order_relaxed);

        if (record == NULL || is_in_cell(record))
            continue;
        if (now)
            record_free(record, NULL);
        else
            owner->retire(owner->retire_arg, record, record_free);
    }
    if (now)
        image_destroy(image, NULL);
    else
        owner->retire(owner->retire_arg, image, image_destroy);
}

void image_free(struct image_owner *owner)
{
    struct image *image = image_of(owner);

    image_bulk_end(owner);
    secrets_end(owner);
    atomic_store(&owner->current, NULL);
    if (image != NULL)
        image_clear(owner, image, true);
}

int image_reset(struct image_owner *owner)
{
    struct image *old = image_of(owner);
    struct image *image = image_first();

    image_bulk_end(owner);
    atomic_store(&old->word, IMAGE_WORD_NEVER);
    if (image == NULL)
        return -1;
    atomic_store(&owner->current, image);
    owner->bytes = image_size(image);
    image_clear(owner, old, false);
    return 0;
}

void image_set_word(struct image_owner *owner, uint64_t word)
{
    atomic_store(&image_of(owner)->word, word);
}

uint64_t image_word(const struct image_owner *owner)
{
    return atomic_load_explicit(&image_of(owner)->word, memory_order_acquire);
}

size_t image_count(const struct image_owner *owner)
{
    return image_of(owner)->live;
}

/* Into a fresh image: a record in a cell is copied into its new one, the others stay where they are. */
static void cell_move(const struct image *image, uint64_t hash, struct image_record *record)
{
    size_t i = cell_home(image, hash);
    struct image_cell *cell;

    while (atomic_load_explicit(&image->tags[i], memory_order_relaxed) != 0)
        i = cell_after(image, i);
    cell = cell_at(image, i);
    if (is_in_cell(record)) {
        size_t size = record_bytes(record);

        record = memcpy(cell_room(image, cell, size), record, size);
    }
    cell->hash = hash;
    atomic_store_explicit(&cell->record, record, memory_order_relaxed);
    atomic_store_explicit(&image->tags[i], cell_tag(hash), memory_order_relaxed);
}

/* A fresh image with the live records: larger if need be, without the removed cells. */
static int image_rebuild(struct image_owner *owner)
{
    struct image *old = image_of(owner);
    size_t count = old->live / 2 * 3 > CELLS_MIN ? old->live / 2 * 3 : (size_t)CELLS_MIN;
    size_t stride = image_stride_next(old);
    struct image *image;

    image = count <= UINT32_MAX ? image_new(count, stride) : NULL;
    if (image == NULL)
        return -1;
    if (owner->bytes + image_size(image) - image_size(old) > owner->bytes_max) {
        image_destroy(image, NULL);
        return -1;
    }
    for (size_t i = 0; i < old->count; i++) {
        const struct image_cell *cell = cell_at(old, i);
        void *record = atomic_load_explicit(&cell->record, memory_order_relaxed);

        if (record != NULL)
            cell_move(image, cell->hash, record);
    }
    image->used = image->live = old->live;
    atomic_store_explicit(&image->word, atomic_load(&old->word), memory_order_relaxed);
    owner->bytes += image_size(image) - image_size(old);
    atomic_store(&owner->current, image);
    owner->retire(owner->retire_arg, old, image_destroy);
    owner->collect(owner->retire_arg);
    return 0;
}

static _Atomic uint16_t *tag_at(const struct image *image, const struct image_cell *cell)
{
    return &image->tags[(size_t)((const unsigned char *)cell - image->at) / image->stride];
}

/* A secret is wiped as soon as it is freed, so it lies in no cell. NULL: no memory, or over bytes_max. */
static struct image_record *record_for(struct image_owner *owner, const struct image_entry *entry,
                                       struct image_cell *cell)
{
    const struct image *image = image_of(owner);
    bool is_fresh = atomic_load_explicit(tag_at(image, cell), memory_order_relaxed) == 0;
    struct image_record *record = NULL;

    if (is_fresh && !(entry->flags & IMAGE_RECORD_WIPE))
        record = cell_room(image, cell, record_size_of(owner, entry));
    if (record != NULL) {
        record_write(owner, entry, IMAGE_RECORD_CELL, record);
        return record;
    }
    record = record_new(owner, entry);
    if (record != NULL && owner->bytes + record_weight(record) > owner->bytes_max) {
        record_free(record, NULL);
        return NULL;
    }
    return record;
}

/* The cell is the hash's from now on; what it names is there already. */
static void cell_claim(struct image *image, struct image_cell *cell, uint64_t hash)
{
    _Atomic uint16_t *tag = tag_at(image, cell);

    if (atomic_load_explicit(tag, memory_order_relaxed) != 0)
        return;
    image->used++;
    cell->hash = hash;
    atomic_store_explicit(tag, cell_tag(hash), memory_order_release);
}

/* It is in its cell no more. */
static void record_leave(struct image_owner *owner, struct image_record *record)
{
    if (is_in_cell(record))
        return;
    owner->bytes -= record_weight(record);
    owner->retire(owner->retire_arg, record, record_free);
}

static bool is_full(const struct image *image)
{
    return image->used + 1 > image->count / CELLS_FULL_PARTS * (CELLS_FULL_PARTS - 1);
}

int image_put(struct image_owner *owner, const struct image_entry *entry)
{
    uint64_t hash = hash_of(owner, entry->table, entry->key);
    struct image_record *record, *old;
    struct image_cell *cell;
    struct image *image;

    if (is_full(image_of(owner)) && image_rebuild(owner) != 0)
        return -1;
    image = image_of(owner);
    cell = cell_for(image, hash, entry->table, entry->key);
    record = record_for(owner, entry, cell);
    if (record == NULL)
        return -1;
    owner->bytes += record_weight(record);
    old = atomic_exchange(&cell->record, record);
    cell_claim(image, cell, hash);
    if (old == NULL)
        image->live++;
    else
        record_leave(owner, old);
    return 0;
}

static void cell_empty(struct image_owner *owner, struct image *image, struct image_cell *cell)
{
    struct image_record *old = atomic_exchange(&cell->record, NULL);

    if (old == NULL)
        return;
    image->live--;
    record_leave(owner, old);
}

void image_remove(struct image_owner *owner, uint32_t table, struct paa_bytes key)
{
    struct image *image = image_of(owner);

    cell_empty(owner, image, cell_for(image, hash_of(owner, table, key), table, key));
}

const struct image_record *image_find(const struct image_owner *owner, uint32_t table,
                                      struct paa_bytes key)
{
    struct image_cell *cell = cell_for(image_of(owner), hash_of(owner, table, key), table, key);

    return atomic_load_explicit(&cell->record, memory_order_relaxed);
}

int image_compare(struct paa_bytes a, struct paa_bytes b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size > 0 ? memcmp(a.data, b.data, size) : 0;

    if (order != 0)
        return order;
    return (a.size > b.size) - (a.size < b.size);
}

bool image_holds(const struct image_owner *owner, uint32_t table)
{
    const struct image *image = image_of(owner);

    for (size_t i = 0; i < image->count; i++) {
        const struct image_record *record =
            atomic_load_explicit(&cell_at(image, i)->record, memory_order_relaxed);

        if (record != NULL && record->table == table)
            return true;
    }
    return false;
}

const struct image_record *image_next(const struct image_owner *owner, uint32_t table,
                                      struct paa_bytes prefix, struct paa_bytes after,
                                      int64_t now_s)
{
    const struct image *image = image_of(owner);
    const struct image_record *best = NULL;

    for (size_t i = 0; i < image->count; i++) {
        const struct image_record *record =
            atomic_load_explicit(&cell_at(image, i)->record, memory_order_relaxed);

        if (record == NULL || record->table != table || image_expired(record->expires_at_s, now_s))
            continue;
        if (record->key_size < prefix.size ||
            (prefix.size > 0 && memcmp(record->bytes, prefix.data, prefix.size) != 0))
            continue;
        if (after.data != NULL && image_compare(image_key(record), after) <= 0)
            continue;
        if (best == NULL || image_compare(image_key(record), image_key(best)) < 0)
            best = record;
    }
    return best;
}

void image_sweep(struct image_owner *owner, int64_t now_s, size_t count)
{
    struct image *image = image_of(owner);

    for (size_t n = 0; n < count && n < image->count; n++) {
        struct image_cell *cell = cell_at(image, owner->hand++ % image->count);
        struct image_record *record = atomic_load_explicit(&cell->record, memory_order_relaxed);

        if (record != NULL && image_expired(record->expires_at_s, now_s))
            cell_empty(owner, image, cell);
    }
}
