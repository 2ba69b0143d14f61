/* SPDX-License-Identifier: MIT */
/*
 * The test harness, whole: TEST(a_sentence) { … }, CHECK, CHECK_INT, CHECK_STR. Include it in one source
 * of a program. Without arguments a program runs all its tests, with one the test of that name.
 */
#ifndef PAA_TEST_H
#define PAA_TEST_H

#include <paa/types.h>
#include <stdio.h>
#include <stdlib.h>

struct test {
    const char *name;
    void (*run)(void);
    struct test *next;
};

static struct test *test_all;
static int test_failures;

#define TEST(sentence)                                                                             \
    static void test_##sentence(void);                                                             \
    __attribute__((constructor)) static void test_add_##sentence(void)                             \
    {                                                                                              \
        static struct test entry = { #sentence, test_##sentence, NULL };                           \
        entry.next = test_all;                                                                     \
        test_all = &entry;                                                                         \
    }                                                                                              \
    static void test_##sentence(void)

#define TEST_FAIL(...)                                                                             \
    do {                                                                                           \
        fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                                            \
        fprintf(stderr, __VA_ARGS__);                                                              \
        fputc('\n', stderr);                                                                       \
        test_failures++;                                                                           \
    } while (0)

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            TEST_FAIL("not so: %s", #condition);                                                   \
    } while (0)

/* Ends the test: for what makes the rest pointless. */
#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            TEST_FAIL("not so: %s", #condition);                                                   \
            return;                                                                                \
        }                                                                                          \
    } while (0)

#define CHECK_INT(got, expected)                                                                   \
    do {                                                                                           \
        long long test_got = (long long)(got);                                                     \
        long long test_expected = (long long)(expected);                                           \
        if (test_got != test_expected)                                                             \
            TEST_FAIL("%s is %lld, not %lld", #got, test_got, test_expected);                      \
    } while (0)

#define CHECK_STR(got, expected)                                                                   \
    do {                                                                                           \
        struct paa_str test_got = (got);                                                           \
        if (!paa_str_eq(test_got, (expected)))                                                     \
            TEST_FAIL("%s is \"%.*s\", not \"%s\"", #got, (int)test_got.size,                      \
                      test_got.data != NULL ? test_got.data : "(absent)", (expected));             \
    } while (0)

#define CHECK_HAS(text, part)                                                                      \
    do {                                                                                           \
        const char *test_text = (text);                                                            \
        if (strstr(test_text, (part)) == NULL)                                                     \
            TEST_FAIL("%s is \"%s\", without \"%s\"", #text, test_text, (part));                   \
    } while (0)

int main(int argc, char **argv)
{
    int runs = 0;

    for (struct test *t = test_all; t != NULL; t = t->next) {
        if (argc > 1 && strcmp(argv[1], t->name) != 0)
            continue;
        t->run();
        runs++;
    }
    if (runs == 0)
        fprintf(stderr, "no such test\n");
    return runs > 0 && test_failures == 0 ? 0 : 1;
}

#endif
