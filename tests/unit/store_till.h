/* SPDX-License-Identifier: MIT */
/* A context whose `state` lies in a shop, with one SECRET table; and the hand of somebody who may write its file. */
#ifndef TESTS_STORE_TILL_H
#define TESTS_STORE_TILL_H

#include "sources.h"
#include "store_files.h"
#include "store_parts.h"
#include "test.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

static const char secret_text[] = "a refresh token that nobody may read";

struct till { /* a context whose `state` lies in the shop, with one SECRET table */
    struct world world;
    struct driver d;
    struct paa_table *table;
};

static inline struct source_spec file_spec(const char *path)
{
    return (struct source_spec){ .kind = SOURCE_FILE,
                                 .flags = SOURCE_SECRET,
                                 .text = paa_str_of(path) };
}

static inline void write_key(const char *path, char fill)
{
    char text[SEAL_SECRET_MIN];
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    memset(text, fill, sizeof text);
    if (write(fd, text, sizeof text) != (ssize_t)sizeof text)
        abort();
    close(fd);
}

static inline void till_begin(struct till *till, const char *path, uint32_t flags)
{
    world_init(&till->world, flags);
    if (stores_define(till->world.services.stores, "state", path, nowhere) != 0)
        abort();
}

static inline void till_go_on(struct till *till)
{
    till->table = table_in(&till->world, "sessions", PAA_TABLE_SECRET);
    if (till->table == NULL)
        abort();
    driver_init(&till->d, &till->world, OP_VERIFY);
}

static inline void till_open(struct till *till, const char *path, uint32_t flags)
{
    till_begin(till, path, flags);
    till_go_on(till);
}

static inline void till_close(struct till *till)
{
    driver_free(&till->d);
    world_free(&till->world);
}

/* Seals by what stands in these files; second NULL: one key. */
static inline void seal_by(struct till *till, const char *first, const char *second)
{
    struct source_spec specs[2] = { file_spec(first), file_spec(second != NULL ? second : first) };
    struct paa_error error = { "" };

    CHECK_INT(stores_seal(till->world.services.stores, "state", specs, second != NULL ? 2 : 1,
                          &error),
              0);
    CHECK(error.text[0] == '\0');
}

static inline enum paa_status put_one(struct till *till, const char *key, const char *value)
{
    return put_to(&till->d, till->table, key, value, 2000000, 0, 0);
}

static inline void put_alone(const char *path, const char *key, const char *value)
{
    struct till till;

    till_open(&till, path, 0);
    CHECK_INT(put_one(&till, key, value), PAA_STATUS_OK);
    till_close(&till);
}

static inline enum paa_status get_alone(const char *path, const char *key)
{
    struct till till;
    enum paa_status status;

    till_open(&till, path, 0);
    status = get_from(&till.d, till.table, key);
    till_close(&till);
    return status;
}

/* ---- the file, from outside ---- */

static inline void allow(sqlite3_context *context, int count, sqlite3_value **values)
{
    (void)count;
    (void)values;
    sqlite3_result_null(context);
}

/* As somebody who may write the file, and knows how. */
static inline int tamper(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    int changed = -1;

    if (sqlite3_open(path, &db) == SQLITE_OK &&
        sqlite3_create_function_v2(db, "only_paactl_may_write_here", 0,
                                   SQLITE_UTF8 | SQLITE_INNOCUOUS, NULL, allow, NULL, NULL,
                                   NULL) == SQLITE_OK &&
        sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK)
        changed = sqlite3_changes(db);
    sqlite3_close(db);
    return changed;
}

static inline int64_t number_in(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    int64_t number = -1;

    if (sqlite3_open(path, &db) == SQLITE_OK &&
        sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        number = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return number;
}

static inline bool file_has(const char *path, const char *text)
{
    size_t size = strlen(text);
    struct stat status;
    bool found = false;
    char *bytes;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return false;
    if (fstat(fd, &status) != 0 || (bytes = malloc((size_t)status.st_size + 1)) == NULL)
        abort();
    if (read(fd, bytes, (size_t)status.st_size) != status.st_size)
        abort();
    for (size_t i = 0; i + size <= (size_t)status.st_size && !found; i++)
        found = memcmp(bytes + i, text, size) == 0;
    free(bytes);
    close(fd);
    return found;
}

static inline void key_path(const struct shop *shop, char path[160])
{
    snprintf(path, 160, "%s.key", shop->path);
}

/* Absent to readers; there to PUT_NEW; to be written over. */
static inline void check_shut(const char *path, const char *key)
{
    struct till till;

    till_open(&till, path, 0);
    CHECK_INT(get_from(&till.d, till.table, key), PAA_STATUS_NONE);
    CHECK_INT(get_from(&till.d, till.table, key), PAA_STATUS_NONE); /* by now from memory */
    CHECK_INT(next_in(&till.d, till.table, key, NULL), PAA_STATUS_NONE);
    CHECK_INT(put_to(&till.d, till.table, key, "replayed", 2000000, PAA_PUT_NEW, 0),
              PAA_STATUS_EXISTS);
    CHECK_INT(get_from(&till.d, till.table, key), PAA_STATUS_NONE);
    CHECK_INT(put_one(&till, key, secret_text), PAA_STATUS_OK);
    CHECK_INT(get_from(&till.d, till.table, key), PAA_STATUS_OK);
    CHECK(strcmp(till.d.value, secret_text) == 0);
    till_close(&till);
}

#endif
