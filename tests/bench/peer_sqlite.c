/* SPDX-License-Identifier: MIT */
#include "peers.h"

#include "measure.h"

#include <sqlite3.h>
#include <stdlib.h>

enum { ID_SIZE = 12 };

struct sqlite_peer {
    sqlite3 *db;
    sqlite3_stmt *statement;
    const struct keys *keys;
    size_t at;
};

struct sqlite_peer *sqlite_peer_open(const char *path, const struct keys *keys)
{
    static const char find[] = "SELECT value FROM records WHERE key = ?1 AND tbl ="
                               " (SELECT id FROM tables WHERE address = 'trusted:apikey//keys')";
    struct sqlite_peer *peer = calloc(1, sizeof *peer);

    if (peer == NULL ||
        sqlite3_open_v2(path, &peer->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
            SQLITE_OK ||
        sqlite3_exec(peer->db, "PRAGMA mmap_size = 1073741824", NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(peer->db, find, -1, &peer->statement, NULL) != SQLITE_OK)
        bench_fail("%s: SQLite does not open it", path);
    peer->keys = keys;
    return peer;
}

void sqlite_peer_close(struct sqlite_peer *peer)
{
    sqlite3_finalize(peer->statement);
    sqlite3_close(peer->db);
    free(peer);
}

void sqlite_peer_run(void *state, uint64_t count)
{
    struct sqlite_peer *peer = state;

    for (uint64_t i = 0; i < count; i++) {
        const char *id = keys_id(peer->keys, peer->at);

        peer->at = (peer->at + 1) % peer->keys->count;
        sqlite3_bind_blob(peer->statement, 1, id, ID_SIZE, SQLITE_STATIC);
        if (sqlite3_step(peer->statement) != SQLITE_ROW ||
            sqlite3_column_blob(peer->statement, 0) == NULL)
            bench_fail("SQLite does not find a key");
        sqlite3_reset(peer->statement);
    }
}
