/* SPDX-License-Identifier: MIT */
/* The loader over real files: each refusal has its own sentence. The plugins are tests/abi/plugins'. */
#include "test.h"

#include "elf_file.h"
#include "loader.h"
#include "trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static struct paa_error error;
static char folder[64]; /* of one test; below /tmp, which is sticky */
static char path[256];

static void make_folder(void)
{
    (void)snprintf(folder, sizeof folder, "/tmp/paa-abi-XXXXXX");
    if (mkdtemp(folder) == NULL)
        abort();
}

static void remove_folder(void)
{
    static const char *const names[] = {
        "abi-good.so",  "other.so",    "rpath.so", "runpath.so",    "systempath.so", "execstack.so",
        "deny.so",      "nosymbol.so", "major.so", "tablemajor.so", "noslots.so",    "short.so",
        "undefined.so", "text.so",     "new",      "Bad_Name.so"
    };
    char name[256];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(name, sizeof name, "%s/%s", folder, names[i]);
        (void)unlink(name);
    }
    (void)rmdir(folder);
}

static void write_file(const char *to, const char *data, size_t size)
{
    int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    if (fd < 0 || write(fd, data, size) != (ssize_t)size || fchmod(fd, 0644) != 0 || close(fd) != 0)
        abort();
}

/* A plugin of the build as `name` in the test's folder; sets path. */
static void install(const char *plugin, const char *name)
{
    char from[512];
    char *data = NULL;
    size_t size = 0;
    FILE *file;

    (void)snprintf(from, sizeof from, "%s/%s", PLUGIN_FOLDER, plugin);
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(from, "rb");
    data = malloc(FILE_MAX);
    if (file == NULL || data == NULL)
        abort();
    size = fread(data, 1, FILE_MAX, file);
    (void)fclose(file);
    write_file(path, data, size);
    free(data);
}

static const struct plugin *load(const char *name, const char *sha256)
{
    struct stat st;
    char *real = NULL;
    const struct plugin *plugin = NULL;
    int fd = trust_open(path, 0, &st, &real, &error);

    if (fd < 0)
        return NULL;
    plugin = loader_load(fd, &st, real, name, sha256, &error);
    close(fd);
    free(real);
    return plugin;
}

/* Installs under its own name and loads; the sentence. */
static const char *sentence_for(const char *plugin)
{
    make_folder();
    install(plugin, plugin);
    CHECK(load(NULL, NULL) == NULL);
    remove_folder();
    return error.text;
}

TEST(a_good_plugin_is_loaded_by_its_file_name)
{
    const struct plugin *plugin;

    make_folder();
    install("abi-good.so", "abi-good.so");
    plugin = load(NULL, NULL);
    remove_folder();
    REQUIRE(plugin != NULL);
    CHECK_STR(paa_str_of(plugin->slots.name), "abi-good");
    CHECK(plugin->slots.verify != NULL && plugin->slots.attach == NULL);
    CHECK(plugin->slots.verify == plugin->table->verify);
    CHECK_INT(strlen(plugin->sha256), 64);
}

TEST(the_same_file_again_is_the_same_plugin)
{
    const struct plugin *first;

    make_folder();
    install("abi-good.so", "abi-good.so");
    first = load("abi-good", NULL);
    CHECK(first != NULL && load("abi-good", NULL) == first);
    CHECK(first != NULL && load(NULL, first->sha256) == first);
    remove_folder();
}

TEST(the_same_bytes_under_two_paths_are_two_plugins)
{
    const struct plugin *first;
    const struct plugin *second;

    make_folder();
    install("abi-good.so", "abi-good.so");
    first = load("abi-good", NULL);
    remove_folder();
    make_folder();
    install("abi-good.so", "abi-good.so");
    second = load("abi-good", NULL);
    remove_folder();
    CHECK(first != NULL && second != NULL && first != second);
}

TEST(a_file_that_is_not_there_is_named)
{
    make_folder();
    (void)snprintf(path, sizeof path, "%s/abi-good.so", folder);
    errno = 0;
    CHECK(load(NULL, NULL) == NULL);
    CHECK_INT(errno, ENOENT);
    CHECK_HAS(error.text, "abi-good.so does not exist");
    remove_folder();
}

TEST(a_folder_is_no_plugin)
{
    make_folder();
    (void)snprintf(path, sizeof path, "%s", folder);
    CHECK(load(NULL, NULL) == NULL);
    CHECK_HAS(error.text, "is not a regular file");
    remove_folder();
}

TEST(a_descriptor_that_is_no_regular_file_is_refused_by_the_loader_itself)
{
    struct stat st;
    int fd = open("/dev/null", O_RDONLY);

    REQUIRE(fd >= 0 && fstat(fd, &st) == 0);
    CHECK(loader_load(fd, &st, "/dev/null", "null", NULL, &error) == NULL);
    CHECK_HAS(error.text, "/dev/null is not a regular file");
    close(fd);
}

TEST(a_plugin_of_another_owner_is_refused)
{
    if (geteuid() != 0)
        return; /* the judge's own tests cover it with made-up owners */
    make_folder();
    install("abi-good.so", "abi-good.so");
    REQUIRE(chown(path, 4242, 0) == 0);
    CHECK(load(NULL, NULL) == NULL);
    CHECK_HAS(error.text, "abi-good.so belongs to user 4242");
    remove_folder();
}

TEST(a_plugin_that_others_may_write_is_refused)
{
    make_folder();
    install("abi-good.so", "abi-good.so");
    REQUIRE(chmod(path, 0664) == 0);
    CHECK(load(NULL, NULL) == NULL);
    CHECK_HAS(error.text, "abi-good.so is writable by its group (mode 0664): chmod go-w");
    remove_folder();
}

TEST(a_plugin_in_a_folder_that_others_may_write_is_refused)
{
    make_folder();
    install("abi-good.so", "abi-good.so");
    REQUIRE(chmod(folder, 0777) == 0);
    CHECK(load(NULL, NULL) == NULL);
    CHECK_HAS(error.text, "is writable by everybody (mode 0777)");
    CHECK(strstr(error.text, "abi-good.so") == NULL);
    remove_folder();
}

TEST(a_wrong_digest_names_both)
{
    static const char pinned[] = "00000000000000000000000000000000"
                                 "00000000000000000000000000000000";

    make_folder();
    install("abi-good.so", "abi-good.so");
    CHECK(load(NULL, pinned) == NULL);
    CHECK_HAS(error.text, "has the SHA-256 digest ");
    CHECK_HAS(error.text, pinned);
    /* and the refused file was not opened: with the right digest it loads */
    CHECK(load(NULL, NULL) != NULL);
    remove_folder();
}

TEST(a_file_that_is_no_library_is_not_opened)
{
    make_folder();
    (void)snprintf(path, sizeof path, "%s/text.so", folder);
    write_file(path, "hello\n", 6);
    CHECK(load(NULL, NULL) == NULL);
    CHECK_HAS(error.text, "text.so is no ELF file");
    remove_folder();
}

TEST(an_empty_file_is_no_plugin)
{
    make_folder();
    (void)snprintf(path, sizeof path, "%s/text.so", folder);
    write_file(path, "", 0);
    CHECK(load(NULL, NULL) == NULL);
    CHECK_HAS(error.text, "has 0 bytes");
    remove_folder();
}

TEST(a_library_without_the_symbol_is_no_plugin)
{
    CHECK_HAS(sentence_for("nosymbol.so"),
              "is no plugin: it does not export paa_plugin_1_nosymbol");
}

TEST(a_plugin_of_another_major_is_refused_with_both_numbers)
{
    const char *text = sentence_for("major.so");

    CHECK_HAS(text, "was built for PAA's plugin ABI 2");
    CHECK_HAS(text, "this core has ABI 1");
}

TEST(a_table_of_another_major_is_refused_with_both_numbers)
{
    const char *text = sentence_for("tablemajor.so");

    CHECK_HAS(text, "built for PAA's plugin ABI 7");
    CHECK_HAS(text, "this core has ABI 1");
}

TEST(a_plugin_without_a_mandatory_slot_is_refused)
{
    CHECK_HAS(sentence_for("noslots.so"), "has neither verify nor attach");
}

TEST(a_plugin_that_lacks_a_function_is_refused_with_the_linker_s_reason)
{
    const char *text = sentence_for("undefined.so");

    CHECK_HAS(text, "cannot be loaded: ");
    CHECK_HAS(text, "function_that_nobody_has");
}

TEST(a_shorter_table_of_an_older_minor_works)
{
    const struct plugin *plugin;

    make_folder();
    install("short.so", "short.so");
    plugin = load(NULL, NULL);
    remove_folder();
    REQUIRE(plugin != NULL);
    CHECK(plugin->slots.verify != NULL);
    CHECK(plugin->table->answered != NULL && plugin->slots.answered == NULL);
    CHECK(plugin->slots.finish == NULL);
}

TEST(a_renamed_file_is_told_its_own_name)
{
    make_folder();
    install("abi-good.so", "other.so");
    CHECK(load(NULL, NULL) == NULL);
    CHECK_HAS(error.text,
              "exports paa_plugin_1_abi_good, not paa_plugin_1_other: the file was renamed");
    /* by its own name the policy may load it from any file */
    CHECK(load("abi-good", NULL) != NULL);
    remove_folder();
}

TEST(a_name_that_is_none_is_refused)
{
    make_folder();
    install("abi-good.so", "Bad_Name.so");
    CHECK(load(NULL, NULL) == NULL);
    CHECK_HAS(error.text, "cannot be a plugin called \"Bad_Name\"");
    remove_folder();
}

TEST(permit_and_deny_are_the_core_s_own_names)
{
    CHECK_HAS(sentence_for("deny.so"), "\"deny\" is a name of the core's own");
}

TEST(search_paths_outside_the_system_are_refused)
{
    CHECK_HAS(sentence_for("rpath.so"), "looks for libraries in \"/opt/elsewhere\"");
    CHECK_HAS(sentence_for("runpath.so"), "looks for libraries in \"/home/somebody/lib\"");
    make_folder();
    install("systempath.so", "systempath.so");
    CHECK(load(NULL, NULL) != NULL);
    remove_folder();
}

TEST(an_executable_stack_is_refused)
{
    CHECK_HAS(sentence_for("execstack.so"), "asks for an executable stack");
}

TEST(a_file_replaced_under_running_code_needs_a_restart)
{
    const struct plugin *plugin;
    char renamed[256];

    make_folder();
    install("abi-good.so", "new");
    (void)snprintf(renamed, sizeof renamed, "%s", path);
    install("abi-good.so", "abi-good.so");
    plugin = load(NULL, NULL);
    REQUIRE(plugin != NULL);
    CHECK_INT(loader_changed(plugin, &error), 0);
    REQUIRE(rename(renamed, path) == 0);
    CHECK_INT(loader_changed(plugin, &error), 1);
    CHECK_HAS(error.text, "restart needed");
    CHECK(load(NULL, NULL) == NULL);
    CHECK_HAS(error.text, "abi-good.so was replaced while its earlier code is loaded");
    /* even by a file that is no plugin */
    write_file(path, "hello\n", 6);
    CHECK(load(NULL, NULL) == NULL);
    CHECK_HAS(error.text, "restart needed");
    remove_folder();
    CHECK_INT(loader_changed(plugin, &error), 1);
    CHECK_HAS(error.text, "is gone");
}

TEST(a_file_rewritten_in_place_is_noticed_by_its_digest)
{
    const struct plugin *plugin;
    int fd;

    make_folder();
    install("abi-good.so", "abi-good.so");
    plugin = load(NULL, NULL);
    REQUIRE(plugin != NULL);
    /* behind the loaded segments, so that the mapped code stays whole */
    fd = open(path, O_WRONLY | O_APPEND);
    REQUIRE(fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0);
    CHECK_INT(loader_changed(plugin, &error), 1);
    CHECK(load(NULL, NULL) == NULL);
    CHECK_HAS(error.text, "restart needed");
    remove_folder();
}

TEST(a_refused_library_stays_and_its_replacement_needs_a_restart_too)
{
    make_folder();
    install("noslots.so", "noslots.so");
    CHECK(load(NULL, NULL) == NULL);
    CHECK_HAS(error.text, "has neither verify nor attach");
    CHECK(load(NULL, NULL) == NULL);
    CHECK_HAS(error.text, "has neither verify nor attach");
    REQUIRE(unlink(path) == 0);
    install("abi-good.so", "new");
    install("abi-good.so", "noslots.so");
    CHECK(load("abi-good", NULL) == NULL);
    CHECK_HAS(error.text, "restart needed");
    remove_folder();
}

TEST(a_hard_link_of_a_loaded_file_is_that_plugin)
{
    const struct plugin *plugin;
    char other[256];

    make_folder();
    install("abi-good.so", "abi-good.so");
    plugin = load(NULL, NULL);
    (void)snprintf(other, sizeof other, "%s/other.so", folder);
    REQUIRE(link(path, other) == 0);
    (void)snprintf(path, sizeof path, "%s/other.so", folder);
    CHECK(plugin != NULL && load("abi-good", NULL) == plugin);
    remove_folder();
}

TEST(a_file_exchanged_between_check_and_load_is_refused)
{
    struct stat st;
    char *real = NULL;
    int fd;

    make_folder();
    install("abi-good.so", "abi-good.so");
    fd = trust_open(path, 0, &st, &real, &error);
    REQUIRE(fd >= 0);
    REQUIRE(unlink(path) == 0);
    install("abi-good.so", "abi-good.so");
    CHECK(loader_load(fd, &st, real, "abi-good", NULL, &error) == NULL);
    CHECK_HAS(error.text, "was exchanged after it was checked");
    close(fd);
    free(real);
    remove_folder();
}
