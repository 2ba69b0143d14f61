/* SPDX-License-Identifier: MIT */
/* arena.h, buf.h, secret.h: what is handed out, how it grows, and that it is wiped. */
#include "arena.h"
#include "buf.h"
#include "secret.h"
#include "str.h"
#include "test.h"

/* Under AddressSanitizer an arena gives each piece a block of its own and keeps none. */
#if defined(__SANITIZE_ADDRESS__)
#define BLOCKS_ARE_KEPT false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BLOCKS_ARE_KEPT false
#endif
#endif
#ifndef BLOCKS_ARE_KEPT
#define BLOCKS_ARE_KEPT true
#endif

enum { FIRST = 256, MOST = 1024 * 1024 };

TEST(arena_pieces_are_aligned_apart_and_writable)
{
    _Alignas(ARENA_ALIGN) unsigned char first[FIRST];
    struct arena arena;
    unsigned char *before = NULL;

    arena_init(&arena, first, sizeof first, MOST);
    for (size_t size = 0; size < 700; size += 7) {
        unsigned char *piece = arena_alloc(&arena, size);

        REQUIRE(piece != NULL);
        CHECK((uintptr_t)piece % ARENA_ALIGN == 0);
        memset(piece, (int)(size & 0xff), size);
        if (before != NULL && size > 7)
            CHECK_INT(before[0], (size - 7) & 0xff);
        before = piece;
    }
    arena_free(&arena);
}

TEST(arena_gives_no_more_than_its_maximum)
{
    struct arena arena;

    arena_init(&arena, NULL, 0, 100);
    CHECK(arena_alloc(&arena, 101) == NULL);
    CHECK(arena_alloc(&arena, SIZE_MAX) == NULL);
    CHECK(arena_alloc(&arena, SIZE_MAX - 8) == NULL);
    CHECK(arena_alloc(&arena, 90) != NULL); /* counts as 96 */
    CHECK(arena_alloc(&arena, 1) == NULL);
    CHECK(arena_alloc(&arena, 0) != NULL);
    arena_reset(&arena);
    CHECK(arena_alloc(&arena, 96) != NULL);
    CHECK(arena_array(&arena, SIZE_MAX / 2, 3) == NULL);
    arena_free(&arena);
}

TEST(arena_reset_wipes_the_owners_block)
{
    _Alignas(ARENA_ALIGN) unsigned char first[FIRST];
    struct arena arena;
    char *piece;

    memset(first, 0, sizeof first);
    arena_init(&arena, first, sizeof first, MOST);
    piece = arena_copy(&arena, "correct horse", 13);
    REQUIRE(piece != NULL);
    CHECK(arena_alloc(&arena, 2 * sizeof first) != NULL);
    arena_reset(&arena);
    for (size_t i = 0; i < sizeof first; i++)
        CHECK_INT(first[i], 0);
    CHECK_INT(arena.taken, 0);
    arena_free(&arena);
}

TEST(arena_copies_keep_absent_and_empty_apart)
{
    struct arena arena;
    struct paa_str s;

    arena_init(&arena, NULL, 0, MOST);
    CHECK(arena_str(&arena, STR_NONE).data == NULL);
    s = arena_str(&arena, STR(""));
    REQUIRE(s.data != NULL);
    CHECK_INT(s.data[0], 0);
    s = arena_str(&arena, paa_str_of_n("abcdef", 3));
    REQUIRE(s.data != NULL);
    CHECK_STR(s, "abc");
    CHECK_INT(s.data[3], 0);
    CHECK_STR(paa_str_of(arena_printf(&arena, "%d:%s", 7, "x")), "7:x");
    CHECK_INT(*(char *)arena_zalloc(&arena, 1), 0);
    arena_free(&arena);
}

TEST(arena_takes_the_same_blocks_again_after_reset)
{
    struct arena arena;
    void *seen[3] = { NULL };

    arena_init(&arena, NULL, 0, MOST);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 3; i++) {
            unsigned char *piece = arena_alloc(&arena, 6000);

            REQUIRE(piece != NULL);
            if (BLOCKS_ARE_KEPT && round > 0) {
                CHECK(piece == seen[i]);
                CHECK_INT(piece[5999], 0);
            }
            memset(piece, 0x5a, 6000);
            seen[i] = piece;
        }
        arena_reset(&arena);
    }
    arena_free(&arena);
    CHECK(arena.spare == NULL);
}

TEST(buf_grows_to_its_maximum_and_failure_sticks)
{
    struct buf buf;

    buf_init(&buf, 200);
    CHECK_STR(buf_str(&buf), "");
    for (int i = 0; i < 200; i++)
        buf_add_char(&buf, 'x');
    CHECK(!buf.failed);
    CHECK_INT(buf.size, 200);
    CHECK_INT(buf.data[200], 0);
    buf_add_char(&buf, 'y');
    CHECK(buf.failed);
    CHECK_INT(buf.size, 200);
    buf_add_text(&buf, "");
    CHECK(buf.failed);
    CHECK(buf_detach(&buf) == NULL);
    buf_free(&buf);
}

TEST(buf_prints_clears_and_detaches)
{
    struct buf buf;
    char *text;

    buf_init(&buf, SIZE_MAX);
    buf_printf(&buf, "%s-%03d", "a", 5);
    buf_add_str(&buf, STR_NONE);
    buf_add_str(&buf, STR("!"));
    CHECK_STR(buf_str(&buf), "a-005!");
    buf_clear(&buf);
    CHECK_STR(buf_str(&buf), "");
    buf_add_text(&buf, "kept");
    text = buf_detach(&buf);
    REQUIRE(text != NULL);
    CHECK_STR(paa_str_of(text), "kept");
    free(text);
    text = buf_detach(&buf);
    REQUIRE(text != NULL);
    CHECK_INT(text[0], 0);
    free(text);
    buf_free(&buf);
}

TEST(buf_clear_leaves_nothing_to_read)
{
    struct buf buf;

    buf_init(&buf, 100);
    buf_add_text(&buf, "secret");
    buf_clear(&buf);
    for (int i = 0; i < 6; i++)
        CHECK_INT(buf.data[i], 0);
    buf_free(&buf);
}

TEST(secrets_are_equal_only_when_present_and_the_same)
{
    CHECK(secret_eq(paa_bytes_of("abc", 3), paa_bytes_of("abc", 3)));
    CHECK(!secret_eq(paa_bytes_of("abc", 3), paa_bytes_of("abd", 3)));
    CHECK(!secret_eq(paa_bytes_of("xbc", 3), paa_bytes_of("abc", 3)));
    CHECK(!secret_eq(paa_bytes_of("abc", 3), paa_bytes_of("abc", 2)));
    CHECK(!secret_eq(BYTES_NONE, BYTES_NONE));
    CHECK(secret_eq(paa_bytes_of("", 0), paa_bytes_of("", 0)));
}

/* Reads "VmFlags:" of the mapping that holds data: "dd" stands for MADV_DONTDUMP. */
static bool is_left_out_of_dumps(const void *data)
{
    FILE *maps = fopen("/proc/self/smaps", "r");
    char line[512];
    bool inside = false;
    bool left_out = false;

    if (maps == NULL)
        return false;
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long from;
        unsigned long to;

        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            inside = (uintptr_t)data >= from && (uintptr_t)data < to;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            left_out = strstr(line, " dd") != NULL;
    }
    fclose(maps);
    return left_out;
}

TEST(secret_memory_is_zeroed_and_left_out_of_core_dumps)
{
    unsigned char *data = secret_alloc(5000);

    REQUIRE(data != NULL);
    for (size_t i = 0; i < 5000; i++)
        CHECK_INT(data[i], 0);
    CHECK(is_left_out_of_dumps(data));
    memset(data, 1, 5000);
    secret_wipe(data, 5000);
    CHECK_INT(data[0] | data[4999], 0);
    secret_free(data, 5000);
    secret_free(NULL, 7);
    CHECK(secret_alloc(SIZE_MAX) == NULL);
}

TEST(several_strings_are_copied_in_one_piece_or_not_at_all)
{
    struct paa_str a = paa_str_of("one"), absent = { NULL, 0 }, empty = paa_str_of(""),
                   b = paa_str_of("three");
    struct paa_str *const all[] = { &a, &absent, &empty, &b };
    struct arena arena, small;

    arena_init(&arena, NULL, 0, 4096);
    REQUIRE(arena_strs(&arena, all, 4));
    CHECK_STR(a, "one");
    CHECK_STR(b, "three");
    CHECK(absent.data == NULL);
    CHECK(empty.data != NULL && empty.size == 0);
    CHECK(a.data[3] == '\0' && b.data[5] == '\0');
    arena_init(&small, NULL, 0, 8);
    a.size = SIZE_MAX; /* never read: it cannot fit */
    CHECK(!arena_strs(&small, all, 4));
    CHECK(arena_strs(&small, all + 1, 1));
    arena_free(&small);
    arena_free(&arena);
}
