/* SPDX-License-Identifier: MIT */
/* Versions of memos' values: no two processes give the same one, whatever their clocks say. */
#include "fork.h"
#include "memo_inner.h"
#include "test.h"

#include <sys/wait.h>

enum { BEGAN_S = 1000000, NS_IN_S = 1000000000, CHILDREN = 4 };

static int64_t now_s;
static uint64_t chance; /* each process has its own: it differs by what is drawn */

static int64_t real(void *user)
{
    (void)user;
    return now_s * NS_IN_S;
}

static int draw(void *ret_bytes, size_t size, void *user)
{
    unsigned char *bytes = ret_bytes;

    (void)user;
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)((chance + i) * 37);
    return 0;
}

static int draw_nothing(void *ret_bytes, size_t size, void *user)
{
    (void)ret_bytes;
    (void)size;
    (void)user;
    return -1;
}

static void services_of(struct services *services)
{
    memset(services, 0, sizeof *services);
    now_s = BEGAN_S;
    services->clock = (struct clock){ real, real, NULL };
    services->chance = (struct chance){ draw, NULL };
}

TEST(contexts_that_begin_in_the_same_second_give_different_versions)
{
    struct services services;
    struct memos *one, *other;

    services_of(&services);
    chance = 1;
    one = memos_new(&services);
    chance = 2;
    other = memos_new(&services);
    CHECK(memo_version_new(one) != memo_version_new(other));
    now_s += 3600;
    CHECK(memo_version_new(one) != memo_version_new(other));
    memos_free(one);
    memos_free(other);
}

TEST(versions_only_grow_and_keep_up_with_the_clock)
{
    struct services services;
    struct memos *memos;
    uint64_t last = 0;

    services_of(&services);
    memos = memos_new(&services);
    for (int i = 0; i < 5000; i++) {
        uint64_t version = memo_version_new(memos);

        if (i == 1000)
            now_s += 3600;
        else if (i == 2000)
            now_s -= 7200;
        else if (i == 3000)
            now_s = -1; /* it failed */
        if (version <= last)
            TEST_FAIL("%d: %llu is not above %llu", i, (unsigned long long)version,
                      (unsigned long long)last);
        last = version;
    }
    now_s = BEGAN_S + 7200;
    CHECK(memo_version_new(memos) - last > (uint64_t)3000
                                               << 24); /* so that a later process's are greater */
    memos_free(memos);
}

static uint64_t version_in_child(struct memos *memos, uint64_t drawn)
{
    uint64_t version = 0;
    int ends[2], status = -1;
    pid_t child;

    if (pipe(ends) != 0)
        abort();
    child = calm_fork();
    if (child == 0) {
        chance = drawn;
        version = memos_start(memos) == 0 ? memo_version_new(memos) : 0;
        _exit(write(ends[1], &version, sizeof version) != (ssize_t)sizeof version);
    }
    if (read(ends[0], &version, sizeof version) != (ssize_t)sizeof version)
        version = 0;
    waitpid(child, &status, 0);
    CHECK_INT(status, 0);
    close(ends[0]);
    close(ends[1]);
    return version;
}

/* As many as there are workers of a server, of one that did or did not begin itself. */
static void check_children(bool has_started, int64_t jump_s)
{
    struct services services;
    struct memos *memos;
    uint64_t versions[CHILDREN];

    services_of(&services);
    chance = 1;
    memos = memos_new(&services);
    if (has_started)
        CHECK_INT(memos_start(memos), 0);
    now_s += jump_s;
    for (uint64_t i = 0; i < CHILDREN; i++) {
        versions[i] = version_in_child(memos, i + 10);
        CHECK(versions[i] != 0);
        for (uint64_t j = 0; j < i; j++)
            CHECK(versions[i] != versions[j]);
    }
    memos_free(memos);
}

TEST(children_give_different_versions)
{
    check_children(false, 0);
    check_children(true, 0);
    check_children(true, 3600);
}

TEST(children_whose_clock_was_set_back_give_different_versions)
{
    check_children(false, -3600);
    check_children(true, -3600);
}

TEST(a_child_without_chance_does_not_begin)
{
    struct services services;
    struct memos *memos;

    services_of(&services);
    memos = memos_new(&services);
    services.chance.random_fn = draw_nothing;
    CHECK_INT(memos_start(memos), -1);
    memos_free(memos);
}
