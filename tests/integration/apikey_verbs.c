/* SPDX-License-Identifier: MIT */
/* The verbs of API keys: mint, list, show, retire, revoke, import; what they refuse, and what requests are told then. */
#include "apikeys.h"

#include <sqlite3.h>

static const char policy[] =
    STORED POLICY(KEYS("plain", "pepper = \"file:pepper\";") KEYS("bare", "")
                      KEYS("weak", "pepper = \"file:weak\";")
                          SCRIPT("other", "verify = \"accept\";"),
                  API("rules = ( " ASKS("plain") ", " ASKS("bare") ", " ASKS("weak") " );"));

static bool begin(struct host *host)
{
    struct paa_context_options options;

    if (!host_init(host) || !host_write(host, policy) ||
        !keys_put_file(host, "pepper", "sixteen bytes or more of pepper\n") ||
        !keys_put_file(host, "weak", "fifteen bytes..\n"))
        return false;
    host_options(host, &options);
    return host_open_with(host, &options);
}

/* Two at once are what rotation needs. */
static bool mint_two(struct host *host, struct host_key keys[2])
{
    return keys_mint(host, &keys[0], "plain", "client=acme", NULL) &&
           keys_mint(host, &keys[1], "plain", "client=acme", NULL);
}

/* ---- mint ---------------------------------------------------------------------------------------- */

TEST(a_third_live_key_of_a_client_wants_force)
{
    struct host_key keys[2], more;
    struct host host;

    REQUIRE(begin(&host));
    REQUIRE(mint_two(&host, keys));
    CHECK_SHOWN(&host, "/plain", keys[0].line, 200, "");
    CHECK_SHOWN(&host, "/plain", keys[1].line, 200, "");
    CHECK_INT(keys_run(&host, "plain", "mint", "client=acme", NULL).status, 1);
    CHECK_HAS(host.error.text,
              "\"acme\" has 2 live keys: retire or revoke one first, or say force=true");
    CHECK(keys_mint(&host, &more, "plain", "client=acme2", NULL));
    CHECK(keys_mint(&host, &more, "plain", "client=acme", "force=true", NULL));
    CHECK_SHOWN(&host, "/plain", more.line, 200, "");
    host_close(&host);
}

TEST(keys_that_have_ended_make_room_for_others)
{
    struct host_key keys[2], more;
    struct host host;

    REQUIRE(begin(&host));
    REQUIRE(mint_two(&host, keys));
    CHECK_INT(keys_change(&host, "retire", &keys[0], "grace=1d").status, 0);
    CHECK(!keys_mint(&host, &more, "plain", "client=acme", NULL)); /* it works until tomorrow */
    host_pass(&host, DAY_S * 1000);
    CHECK(keys_mint(&host, &more, "plain", "client=acme", NULL));
    CHECK(!keys_mint(&host, &more, "plain", "client=acme", NULL));
    CHECK_INT(keys_change(&host, "revoke", &keys[1], NULL).status, 0);
    CHECK(keys_mint(&host, &more, "plain", "client=acme", NULL));
    host_close(&host);
}

TEST(what_cannot_be_minted_is_refused_with_its_argument)
{
    static const struct {
        const char *word;
        const char *sentence;
    } cases[] = {
        { "client=", "client=: a client has 1 to 128 bytes of text" },
        { "expires=yesterday", "expires=yesterday: neither a time (2026-12-01T00:00:00Z) nor" },
        { "expires=2025-01-01T00:00:00Z", "expires lies in the past" },
        { "scope=two words", "scope=two words: not a word" },
        { "instance=palin",
          "instance=palin: there is no instance of this name with the plugin apikey: did you mean "
          "\"plain\"?" },
        { "instance=other", "instance=other: there is no instance of this name with the plugin" },
        { "instance=no/name", "instance=no/name: there is no instance of this name" },
        { "network=10.0.0.1/8", "network=10.0.0.1/8: " },
        { "label= outer blank", "label= outer blank: a label has at most 200 bytes" },
        { "expire=90d", "did you mean \"expires\"?" },
    };
    struct host host;

    REQUIRE(begin(&host));
    CHECK_INT(keys_run(&host, "plain", "mint", NULL).status, 2);
    CHECK_HAS(host.error.text, "client");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CHECK_INT(keys_run(&host, "plain", "mint", i > 0 ? "client=acme" : cases[i].word,
                           i > 0 ? cases[i].word : NULL, NULL)
                      .status,
                  2);
        CHECK_HAS(host.error.text, cases[i].sentence);
    }
    CHECK_INT(
        keys_run(&host, "plain", "mint", "client=acme", "not_before=2d", "expires=1d", NULL).status,
        2);
    CHECK_HAS(host.error.text, "expires does not lie after not_before");
    CHECK_INT(keys_run(&host, "plain", "list", NULL).output.size, 0);
    host_close(&host);
}

/* ---- list, show ---------------------------------------------------------------------------------- */

/* A key of which everything is said. */
static bool mint_all(struct host *host, struct host_key *ret_key)
{
    return keys_mint(host, ret_key, "plain", "client=acme", "label=the label", "scope=a", "scope=b",
                     "network=10.0.0.0/8", "not_before=1h", "expires=90d", NULL);
}

TEST(all_that_was_said_of_a_key_is_shown_but_never_its_text)
{
    static const char *const members[] = {
        "\"client\":\"acme\"",         "\"state\":\"not yet\"",
        "\"kind\":\"minted\"",         "\"label\":\"the label\"",
        "\"scope\":\"a b\"",           "\"instances\":\"plain\"",
        "\"networks\":\"10.0.0.0/8\"", "\"created\":\"2026-01-01T00:00:00Z\"",
        "\"retired\":\"-\"",           "\"not_before\":\"2026-01-01T01:00:00Z\"",
        "\"revoked\":\"-\"",           "\"expires\":\"2026-04-01T00:00:00Z\"",
    };
    struct keys_said said;
    struct host_key key;
    struct host host;

    REQUIRE(begin(&host));
    REQUIRE(mint_all(&host, &key));
    said = keys_change(&host, "show", &key, NULL);
    CHECK_INT(said.status, 0);
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        CHECK_HAS(said.output.text, members[i]);
    CHECK(strstr(said.output.text, strrchr(key.text, '_')) == NULL);
    CHECK(strstr(host.log, strrchr(key.text, '_')) == NULL);
    CHECK_HAS(host.log, "key minted: id=");
    host_close(&host);
}

TEST(keys_are_listed_all_or_those_of_one_client)
{
    struct host_key keys[2], other;
    struct keys_said said;
    struct host host;

    REQUIRE(begin(&host));
    REQUIRE(mint_two(&host, keys) && keys_mint(&host, &other, "bare", "client=acme2", NULL));
    said = keys_run(&host, "plain", "list", NULL);
    CHECK_HAS(said.output.text, keys[0].id);
    CHECK_HAS(said.output.text, keys[1].id);
    CHECK_HAS(said.output.text, other.id);
    said = keys_run(&host, "plain", "list", "client=acme", NULL);
    CHECK_HAS(said.output.text, keys[0].id);
    CHECK_HAS(said.output.text, keys[1].id);
    CHECK(strstr(said.output.text, other.id) == NULL);
    CHECK(strstr(said.output.text, strrchr(keys[0].text, '_')) == NULL);
    said = keys_run(&host, "plain", "list", "client=nobody", NULL);
    CHECK(said.status == 0 && said.output.size == 0);
    host_close(&host);
}

/* ---- retire, revoke ------------------------------------------------------------------------------ */

TEST(a_retired_key_works_through_its_grace_and_no_longer)
{
    struct host_key key;
    struct host host;

    REQUIRE(begin(&host));
    REQUIRE(keys_mint(&host, &key, "plain", "client=acme", NULL));
    CHECK_INT(keys_change(&host, "retire", &key, NULL).status, 0);
    CHECK_HAS(keys_change(&host, "show", &key, NULL).output.text,
              "\"retired\":\"2026-01-08T00:00:00Z\""); /* 7 days, if nothing is said */
    CHECK_INT(keys_change(&host, "retire", &key, "grace=3d").status, 0);
    host_pass(&host, 3 * DAY_S * 1000 - 1);
    CHECK_INT(keys_change(&host, "retire", &key, "grace=30d").status, 0); /* never lengthens it */
    CHECK_SHOWN(&host, "/plain", key.line, 200, "");
    host_pass(&host, 1);
    CHECK_SHOWN(&host, "/plain", key.line, 401, "expired");
    CHECK_INT(keys_change(&host, "retire", &key, "grace=30d").status, 1);
    CHECK_HAS(host.error.text, "the key has ended already: it is retired");
    CHECK_SHOWN(&host, "/plain", key.line, 401, "expired");
    host_close(&host);
}

TEST(a_revoked_key_ends_at_once_and_nothing_brings_it_back)
{
    struct host_key key;
    struct host host;

    REQUIRE(begin(&host));
    REQUIRE(keys_mint(&host, &key, "plain", "client=acme", NULL));
    CHECK_SHOWN(&host, "/plain", key.line, 200, "");
    CHECK_INT(keys_change(&host, "revoke", &key, NULL).status, 0);
    CHECK_SHOWN(&host, "/plain", key.line, 401, "revoked");
    CHECK_INT(keys_change(&host, "retire", &key, "grace=7d").status, 1);
    CHECK_INT(keys_change(&host, "revoke", &key, NULL).status, 0);
    CHECK_INT(keys_import(&host, "plain", key.text, "client=acme", NULL).status, 0);
    CHECK_SHOWN(&host, "/plain", key.line, 401, "revoked");
    CHECK_HAS(host.log, "key revoked: id=");
    host_close(&host);
}

TEST(an_id_that_no_key_has_is_told)
{
    static const char *const verbs[] = { "show", "retire", "revoke" };
    struct host host;

    REQUIRE(begin(&host));
    for (size_t i = 0; i < 3; i++) {
        CHECK_INT(keys_run(&host, "plain", verbs[i], "id=000000000000", NULL).status, 1);
        CHECK_HAS(host.error.text, "no key has this id; \"list\" shows those there are");
        CHECK_INT(keys_run(&host, "plain", verbs[i], "id=nonsense", NULL).status, 1);
    }
    host_close(&host);
}

/* ---- import -------------------------------------------------------------------------------------- */

#define LONG_KEY "a-key-of-22-characters"

TEST(imported_keys_work_as_their_lines_or_else_the_arguments_say)
{
    static const char lines[] = "# of the old system\n\n" LONG_KEY "\n" LONG_KEY
                                "-2\tother\tx y\ttheir label\r\n" LONG_KEY "-3\t\tz\n";
    struct keys_told told;
    struct keys_said said;
    struct host host;

    REQUIRE(begin(&host));
    said = keys_import(&host, "plain", lines, "client=acme", "scope=s", NULL);
    CHECK_INT(said.status, 0);
    CHECK_HAS(said.output.text, "\"imported\":\"3\",\"known\":\"0\"");
    told = keys_show_from(&host, NULL, "/plain", "apikey: " LONG_KEY);
    CHECK(told.code == 200 && strcmp(told.subject, "acme") == 0 && strcmp(told.scope, "s") == 0);
    told = keys_show_from(&host, NULL, "/plain", "apikey: " LONG_KEY "-2");
    CHECK(told.code == 200 && strcmp(told.subject, "other") == 0);
    CHECK_STR(paa_str_of(told.scope), "x y");
    told = keys_show_from(&host, NULL, "/plain", "apikey: " LONG_KEY "-3");
    CHECK(told.code == 200 && strcmp(told.subject, "acme") == 0 && strcmp(told.scope, "z") == 0);
    said = keys_import(&host, "plain", lines, "client=acme", NULL);
    CHECK_HAS(said.output.text, "\"imported\":\"0\",\"known\":\"3\"");
    said = keys_run(&host, "plain", "list", "client=other", NULL);
    CHECK_HAS(said.output.text, "\"label\":\"their label\"");
    CHECK(strstr(host.log, LONG_KEY) == NULL);
    host_close(&host);
}

TEST(an_imported_key_is_shown_retired_and_revoked_by_its_id)
{
    struct host_key key;
    struct keys_said said;
    struct host host;

    REQUIRE(begin(&host));
    CHECK_INT(keys_import(&host, "plain", LONG_KEY, "client=acme", NULL).status, 0);
    said = keys_run(&host, "plain", "list", NULL);
    REQUIRE(json_value(said.output.text, "id", key.id, sizeof key.id));
    CHECK_HAS(keys_change(&host, "show", &key, NULL).output.text, "\"kind\":\"imported\"");
    CHECK_INT(keys_change(&host, "retire", &key, "grace=1d").status, 0);
    CHECK_SHOWN(&host, "/plain", "apikey: " LONG_KEY, 200, "");
    CHECK_INT(keys_change(&host, "revoke", &key, NULL).status, 0);
    CHECK_SHOWN(&host, "/plain", "apikey: " LONG_KEY, 401, "revoked");
    host_close(&host);
}

/* Of the entries that lead to keys: how many there are like that. */
static int count_entries(const struct host *host, const char *like)
{
    char path[HOST_PATH_MAX + 16], query[512];
    sqlite3_stmt *statement = NULL;
    sqlite3 *file = NULL;
    int count = -1;

    (void)snprintf(path, sizeof path, "%s/keys.db", host->folder);
    (void)snprintf(query, sizeof query,
                   "SELECT count(*) FROM records entry JOIN records key ON entry.value = key.key "
                   "WHERE entry.tbl <> key.tbl AND %s",
                   like);
    if (sqlite3_open_v2(path, &file, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(file, query, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        count = sqlite3_column_int(statement, 0);
    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(file);
    return count;
}

TEST(what_leads_to_a_key_lasts_as_long_as_what_is_kept_of_it)
{
    struct host_key minted, imported;
    struct keys_said said;
    struct host host;

    REQUIRE(begin(&host));
    CHECK_INT(keys_import(&host, "plain", LONG_KEY, "client=acme", NULL).status, 0);
    said = keys_run(&host, "plain", "list", NULL);
    REQUIRE(json_value(said.output.text, "id", imported.id, sizeof imported.id));
    REQUIRE(keys_mint(&host, &minted, "plain", "client=acme", NULL));
    CHECK_INT(count_entries(&host, "entry.expires = 0"), 3); /* two, and one by the imported id */
    CHECK_INT(keys_change(&host, "retire", &minted, "grace=1d").status, 0);
    CHECK_INT(count_entries(&host, "entry.expires = 0"), 2);
    CHECK_INT(keys_change(&host, "revoke", &imported, NULL).status, 0);
    CHECK_INT(count_entries(&host, "entry.expires > 0 AND entry.expires = key.expires"), 3);
    CHECK_INT(keys_change(&host, "revoke", &minted, NULL).status, 0);
    CHECK_INT(count_entries(&host, "entry.expires > 0 AND entry.expires = key.expires"), 3);
    said = keys_run(&host, "plain", "list", "client=acme", NULL);
    CHECK_HAS(said.output.text, minted.id);
    CHECK_HAS(said.output.text, imported.id);
    CHECK_INT(keys_change(&host, "show", &imported, NULL).status, 0);
    host_close(&host);
}

TEST(a_short_key_comes_in_with_a_pepper_only)
{
    struct host host;

    REQUIRE(begin(&host));
    CHECK_INT(keys_import(&host, "bare", "hunter2-hunter2", "client=acme", NULL).status, 1);
    CHECK_HAS(host.error.text, "line 1: a key under 22 characters can be guessed from its digest");
    CHECK_INT(keys_import(&host, "weak", "hunter2-hunter2", "client=acme", NULL).status, 1);
    CHECK_INT(keys_import(&host, "plain", "hunter2-hunter2", "client=acme", "instance=plain",
                          "instance=bare", "instance=weak", NULL)
                  .status,
              0);
    CHECK_SHOWN(&host, "/plain", "apikey: hunter2-hunter2", 200, "");
    CHECK_SHOWN(&host, "/bare", "apikey: hunter2-hunter2", 401, "unknown-key");
    CHECK_SHOWN(&host, "/weak", "apikey: hunter2-hunter2", 401, "unknown-key");
    CHECK_SHOWN(&host, "/plain", "apikey: hunter2-hunter3", 401, "unknown-key");
    CHECK_INT(keys_import(&host, "plain", "hunter2", "client=acme", NULL).status, 1);
    CHECK_HAS(host.error.text, "a key has at least 8 characters");
    host_close(&host);
}

TEST(an_import_stops_at_a_bad_line_says_which_and_keeps_those_before_it)
{
    static const struct {
        const char *line;
        const char *sentence;
    } cases[] = {
        { "two words-of-more-than-22", "a key has no blanks and no letters outside ASCII" },
        { LONG_KEY "\ta\tb\tc\td", "more columns than key, client, scopes and label" },
        { LONG_KEY "\ta\ts\"t", "scopes are words without quotes" },
    };
    char lines[KEYS_LINE_MAX];
    struct host host;

    REQUIRE(begin(&host));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)snprintf(lines, sizeof lines, "%s-before-%zu\n%s\n%s-after-%zu\n", LONG_KEY, i,
                       cases[i].line, LONG_KEY, i);
        CHECK_INT(keys_import(&host, "plain", lines, "client=acme", NULL).status, 1);
        CHECK_HAS(host.error.text, "line 2: ");
        CHECK_HAS(host.error.text, cases[i].sentence);
        CHECK_HAS(host.error.text, "; the lines before it are imported");
    }
    CHECK_SHOWN(&host, "/plain", "apikey: " LONG_KEY "-before-0", 200, "");
    CHECK_SHOWN(&host, "/plain", "apikey: " LONG_KEY "-after-0", 401, "unknown-key");
    CHECK_INT(keys_import(&host, "plain", LONG_KEY, NULL).status, 1);
    CHECK_HAS(host.error.text, "no client: say one on the line, or client=NAME");
    host_close(&host);
}
