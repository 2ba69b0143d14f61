/* SPDX-License-Identifier: MIT */
/* The trust check: the judge over made-up files, the walk over real ones. */
#include "test.h"

#include "trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static struct paa_error error;
static char folder[64];

static const struct trust_who as_root = { .uid = 0, .root_only = true };
static const struct trust_who as_user = { .uid = 1000, .root_only = false };
static const struct trust_who as_secure = { .uid = 1000, .root_only = true };

/* ---- the judge --------------------------------------------------------------------------------- */

static int judge(mode_t mode, uid_t owner, enum trust_role role, uint32_t flags,
                 struct trust_who who)
{
    struct stat st;

    memset(&st, 0, sizeof st);
    st.st_mode = mode;
    st.st_uid = owner;
    error.text[0] = '\0';
    return trust_judge(&st, "/etc/x", role, flags, who, &error);
}

TEST(root_and_the_running_user_may_own_a_file)
{
    CHECK_INT(judge(S_IFREG | 0644, 0, TRUST_LEAF, 0, as_user), 0);
    CHECK_INT(judge(S_IFREG | 0644, 1000, TRUST_LEAF, 0, as_user), 0);
    CHECK_INT(judge(S_IFREG | 0644, 1001, TRUST_LEAF, 0, as_user), -1);
    CHECK_HAS(error.text, "/etc/x belongs to user 1001, but only root or user 1000 may own it: "
                          "chown -h 1000 /etc/x");
}

TEST(as_root_or_with_raised_rights_only_root_may)
{
    CHECK_INT(judge(S_IFREG | 0644, 0, TRUST_LEAF, 0, as_root), 0);
    CHECK_INT(judge(S_IFREG | 0644, 1000, TRUST_LEAF, 0, as_root), -1);
    CHECK_INT(judge(S_IFREG | 0644, 1000, TRUST_LEAF, 0, as_secure), -1);
    CHECK_HAS(error.text, "/etc/x belongs to user 1000, but only root may own");
    CHECK_HAS(error.text, "chown -h root /etc/x");
}

TEST(others_may_not_write_a_file)
{
    CHECK_INT(judge(S_IFREG | 0664, 0, TRUST_LEAF, 0, as_root), -1);
    CHECK_HAS(error.text, "/etc/x is writable by its group (mode 0664): chmod go-w /etc/x");
    CHECK_INT(judge(S_IFREG | 0646, 0, TRUST_LEAF, 0, as_root), -1);
    CHECK_HAS(error.text, "/etc/x is writable by everybody (mode 0646): chmod go-w /etc/x");
    CHECK_INT(judge(S_IFREG | S_ISVTX | 0666, 0, TRUST_LEAF, 0, as_root), -1);
}

TEST(a_sticky_folder_may_be_writable_and_no_other)
{
    CHECK_INT(judge(S_IFDIR | 0755, 0, TRUST_PARENT, 0, as_root), 0);
    CHECK_INT(judge(S_IFDIR | S_ISVTX | 0777, 0, TRUST_PARENT, 0, as_root), 0);
    CHECK_INT(judge(S_IFDIR | 0777, 0, TRUST_PARENT, 0, as_root), -1);
    CHECK_INT(judge(S_IFDIR | 0775, 0, TRUST_PARENT, 0, as_root), -1);
    CHECK_HAS(error.text, "/etc/x is writable by its group (mode 0775): chmod go-w /etc/x");
    CHECK_INT(judge(S_IFDIR | S_ISVTX | 0777, 7, TRUST_PARENT, 0, as_user), -1);
}

TEST(a_link_counts_by_its_owner)
{
    CHECK_INT(judge(S_IFLNK | 0777, 0, TRUST_LINK, 0, as_user), 0);
    CHECK_INT(judge(S_IFLNK | 0777, 1000, TRUST_LINK, 0, as_user), 0);
    CHECK_INT(judge(S_IFLNK | 0777, 1001, TRUST_LINK, 0, as_user), -1);
}

TEST(the_kind_of_file_must_be_the_expected_one)
{
    CHECK_INT(judge(S_IFIFO | 0600, 0, TRUST_LEAF, 0, as_root), -1);
    CHECK_HAS(error.text, "/etc/x is not a regular file");
    CHECK_INT(judge(S_IFDIR | 0755, 0, TRUST_LEAF, 0, as_root), -1);
    CHECK_INT(judge(S_IFDIR | 0755, 0, TRUST_LEAF, TRUST_FOLDER, as_root), 0);
    CHECK_INT(judge(S_IFREG | 0644, 0, TRUST_LEAF, TRUST_FOLDER, as_root), -1);
    CHECK_HAS(error.text, "/etc/x is not a folder");
    CHECK_INT(judge(S_IFREG | 0644, 0, TRUST_PARENT, 0, as_root), -1);
}

TEST(private_and_executable_are_asked_where_they_matter)
{
    CHECK_INT(judge(S_IFREG | 0600, 0, TRUST_LEAF, TRUST_PRIVATE, as_root), 0);
    CHECK_INT(judge(S_IFREG | 0640, 0, TRUST_LEAF, TRUST_PRIVATE, as_root), -1);
    CHECK_HAS(error.text, "/etc/x is readable by its group (mode 0640): chmod go-r /etc/x");
    CHECK_INT(judge(S_IFREG | 0644, 0, TRUST_LEAF, TRUST_EXECUTABLE, as_root), -1);
    CHECK_HAS(error.text, "/etc/x is not executable (mode 0644)");
    CHECK_INT(judge(S_IFREG | 0755, 0, TRUST_LEAF, TRUST_EXECUTABLE, as_root), 0);
}

/* ---- the walk ---------------------------------------------------------------------------------- */

static char *in(const char *name)
{
    static char paths[4][256];
    static unsigned turn;
    char *path = paths[turn++ % 4];

    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void make(const char *name, const char *text)
{
    int fd = open(in(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || close(fd) != 0)
        abort();
}

static void begin(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/paa-trust-XXXXXX");
    if (mkdtemp(folder) == NULL || mkdir(in("a"), 0700) != 0 || mkdir(in("a/b"), 0700) != 0)
        abort();
    make("a/b/file", "content");
}

static void end(void)
{
    static const char *const files[] = { "a/b/file", "a/b/link", "link", "loop", "fifo" };
    static const char *const folders[] = { "a/b", "a", "" };

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        (void)unlink(in(files[i]));
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        (void)rmdir(in(folders[i]));
}

/* The real path of what opens, "" if it does not. */
static const char *opened(const char *path, uint32_t flags)
{
    static char text[512];
    struct stat st;
    char *real = NULL;
    int fd = trust_open(path, flags, &st, &real, &error);

    text[0] = '\0';
    if (fd < 0)
        return text;
    (void)snprintf(text, sizeof text, "%s", real);
    CHECK_INT(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(fd);
    free(real);
    return text;
}

TEST(a_path_is_followed_to_its_real_one)
{
    begin();
    CHECK_STR(paa_str_of(opened(in("a/b/file"), 0)), in("a/b/file"));
    CHECK_STR(paa_str_of(opened(in("a//./b/../b/file"), 0)), in("a/b/file"));
    CHECK_STR(paa_str_of(opened(in("a/b/"), TRUST_FOLDER)), in("a/b"));
    CHECK_STR(paa_str_of(opened(in("a/b/.."), TRUST_FOLDER)), in("a"));
    CHECK_STR(paa_str_of(opened("/", TRUST_FOLDER)), "/");
    CHECK_STR(paa_str_of(opened("/../../tmp", TRUST_FOLDER)), "/tmp");
    end();
}

TEST(links_are_followed_and_what_they_lead_to_is_judged)
{
    begin();
    REQUIRE(symlink("a/b", in("link")) == 0);
    REQUIRE(symlink("../../a/b/file", in("a/b/link")) == 0);
    CHECK_STR(paa_str_of(opened(in("link/link"), 0)), in("a/b/file"));
    CHECK_STR(paa_str_of(opened(in("link"), TRUST_FOLDER)), in("a/b"));
    REQUIRE(chmod(in("a"), 0777) == 0);
    CHECK_STR(paa_str_of(opened(in("link/file"), 0)), "");
    CHECK_HAS(error.text, in("a is writable by everybody (mode 0777): chmod go-w"));
    end();
}

TEST(a_folder_that_only_holds_the_link_is_judged_too)
{
    begin();
    make("file", "content");
    REQUIRE(symlink("../../file", in("a/b/link")) == 0);
    CHECK_STR(paa_str_of(opened(in("a/b/link"), 0)), in("file"));
    REQUIRE(chmod(in("a/b"), 0770) == 0);
    CHECK_STR(paa_str_of(opened(in("a/b/link"), 0)), "");
    CHECK_HAS(error.text, in("a/b is writable by its group (mode 0770)"));
    (void)unlink(in("file"));
    end();
}

TEST(links_in_a_circle_come_to_an_end)
{
    begin();
    REQUIRE(symlink("loop", in("loop")) == 0);
    CHECK_STR(paa_str_of(opened(in("loop"), 0)), "");
    CHECK_HAS(error.text, "too many symbolic links");
    end();
}

TEST(what_is_missing_is_named_and_keeps_enoent)
{
    begin();
    CHECK_STR(paa_str_of(opened(in("a/none/file"), 0)), "");
    CHECK_INT(errno, ENOENT);
    CHECK_HAS(error.text, in("a/none does not exist"));
    CHECK_STR(paa_str_of(opened("", 0)), "");
    CHECK_HAS(error.text, "the path is empty");
    end();
}

TEST(a_file_is_no_folder_on_the_way)
{
    begin();
    CHECK_STR(paa_str_of(opened(in("a/b/file/more"), 0)), "");
    CHECK_HAS(error.text, "file is not a folder, but the path goes on below it");
    end();
}

TEST(a_pipe_is_refused_without_waiting_for_a_writer)
{
    begin();
    REQUIRE(mkfifo(in("fifo"), 0600) == 0);
    CHECK_STR(paa_str_of(opened(in("fifo"), 0)), "");
    CHECK_HAS(error.text, "fifo is not a regular file");
    end();
}

TEST(a_relative_path_begins_in_the_current_folder)
{
    char before[512];

    begin();
    REQUIRE(getcwd(before, sizeof before) != NULL && chdir(in("a")) == 0);
    CHECK_STR(paa_str_of(opened("b/file", 0)), in("a/b/file"));
    REQUIRE(chdir(before) == 0);
    end();
}

TEST(a_folder_of_another_owner_is_refused)
{
    if (geteuid() != 0)
        return; /* the judge's tests cover it */
    begin();
    REQUIRE(chown(in("a"), 4242, 0) == 0);
    CHECK_STR(paa_str_of(opened(in("a/b/file"), 0)), "");
    CHECK_HAS(error.text, in("a belongs to user 4242"));
    end();
}

TEST(a_link_of_another_owner_is_refused)
{
    if (geteuid() != 0)
        return; /* the judge's tests cover it */
    begin();
    REQUIRE(symlink("a/b/file", in("link")) == 0 && lchown(in("link"), 4242, 0) == 0);
    CHECK_STR(paa_str_of(opened(in("link"), 0)), "");
    CHECK_HAS(error.text, in("link belongs to user 4242"));
    end();
}

TEST(a_file_is_read_whole_and_not_beyond_its_limit)
{
    char *data = NULL;
    size_t size = 0;

    begin();
    REQUIRE(trust_read(in("a/b/file"), 0, 7, &data, &size, &error) == 0);
    CHECK_INT(size, 7);
    CHECK(strcmp(data, "content") == 0);
    free(data);
    CHECK_INT(trust_read(in("a/b/file"), 0, 6, &data, &size, &error), -1);
    CHECK_HAS(error.text, "is larger than 6 bytes");
    end();
}

TEST(a_long_path_keeps_its_end_and_the_remedy_in_the_sentence)
{
    char path[400];
    struct stat st;

    memset(&st, 0, sizeof st);
    st.st_mode = S_IFREG | 0666;
    memset(path, 'x', sizeof path - 1);
    memcpy(path + sizeof path - 5, "/end", 5);
    path[0] = '/';
    CHECK_INT(trust_judge(&st, path, TRUST_LEAF, 0, as_root, &error), -1);
    CHECK_HAS(error.text, "/end is writable by everybody (mode 0666): chmod go-w ...");
    CHECK(strlen(error.text) < sizeof error.text - 1);
}
