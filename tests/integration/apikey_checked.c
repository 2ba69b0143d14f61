/* SPDX-License-Identifier: MIT */
/* API keys that come in: where they stand, and the word that each refusal has. */
#include "apikeys.h"
#include "key.h"

static const char policy[] =
    STORED POLICY(KEYS("plain", "") KEYS("field", "header = \"X-Api-Key\";")
                      KEYS("scheme", "scheme = \"Token\";") KEYS("cookie", "cookie = \"key\";")
                          KEYS("query", "query = \"key\"; allow_query = true;")
                              KEYS("peer", "network_of = \"peer\"; prefix = \"acme_2\";"),
                  API("rules = ( " ASKS("plain") ", " ASKS("field") ", " ASKS("scheme") ", " ASKS(
                      "cookie") ", " ASKS("query") ", " ASKS("peer") " );"));

/* "before" and the key's text. */
static const char *with(const struct host_key *key, const char *before)
{
    static char line[KEYS_LINE_MAX];

    (void)snprintf(line, sizeof line, "%s%s", before, key->text);
    return line;
}

/* ---- where it stands ----------------------------------------------------------------------------- */

TEST(a_key_is_found_where_its_instance_looks_and_nowhere_else)
{
    static const struct {
        const char *target;
        const char *before;
    } places[] = {
        { "/plain", "apikey: " },
        { "/field", "X-Api-Key: " },
        { "/scheme", "Authorization: token " },
        { "/cookie", "Cookie: a=b; key=" },
    };
    const size_t count = sizeof places / sizeof places[0];
    struct host_key key;
    struct host host;

    REQUIRE(host_open(&host, policy));
    REQUIRE(keys_mint(&host, &key, "plain", "client=acme", "instance=plain", "instance=field",
                      "instance=scheme", "instance=cookie", "instance=query", NULL));
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++)
            CHECK_SHOWN(&host, places[i].target, with(&key, places[j].before), i == j ? 200 : 401,
                        "");
    CHECK_SHOWN(&host, "/query", with(&key, "apikey: "), 401, "");
    CHECK_SHOWN(&host, with(&key, "/query?a=b&key="), "X-Other: 1", 200, "");
    CHECK_SHOWN(&host, with(&key, "/plain?key="), "X-Other: 1", 401, "");
    CHECK_SHOWN(&host, "/scheme", with(&key, "Authorization: ApiKey "), 401, "");
    host_close(&host);
}

TEST(keys_in_the_query_are_off_unless_switched_on_and_warned_of)
{
    static const char off[] =
        POLICY(KEYS("query", "query = \"key\";"), API("rules = ( " ASKS("query") " );"));
    struct paa_context_options options;
    struct host host;

    REQUIRE(host_init(&host) && host_write(&host, off));
    host_options(&host, &options);
    CHECK(paa_context_open(&host.context, &options, &host.error) != 0);
    CHECK_HAS(host.error.text, "paa.conf:2");
    CHECK_HAS(host.error.text, "or say allow_query = true");
    REQUIRE(host_write(&host, policy));
    REQUIRE(host_open_with(&host, &options));
    CHECK_HAS(host.log, "keys in URLs end up in logs, histories and Referer fields");
    host_close(&host);
}

TEST(a_key_that_is_let_in_says_whose_it_is_and_what_it_may)
{
    struct host_key key;
    struct keys_told told;
    struct host host;

    REQUIRE(host_open(&host, policy));
    REQUIRE(keys_mint(&host, &key, "peer", "client=Acme Ltd", "scope=orders:read",
                      "scope=orders:write", NULL));
    CHECK(strncmp(key.text, "acme_2_", 7) == 0);
    told = keys_show_from(&host, NULL, "/peer", key.line);
    CHECK_INT(told.code, 200);
    CHECK_STR(paa_str_of(told.subject), "Acme Ltd");
    CHECK_STR(paa_str_of(told.scope), "orders:read orders:write");
    host_close(&host);
}

/* ---- refusals ------------------------------------------------------------------------------------ */

/* The key with another character in its secret, or in its id; its checksum is right again. */
static struct host_key changed(const struct host_key *key, bool in_id)
{
    char chosen[KEY_ID_SIZE + KEY_SECRET_SIZE], text[KEY_TEXT_MAX];
    char *at = &chosen[in_id ? 0 : KEY_ID_SIZE];
    struct host_key made = *key;
    struct key_parts parts;

    if (key_parse(paa_str_of(key->text), &parts) != KEY_MINTED)
        return made;
    memcpy(chosen, parts.id.data, KEY_ID_SIZE);
    memcpy(chosen + KEY_ID_SIZE, parts.secret.data, KEY_SECRET_SIZE);
    *at = *at == 'a' ? 'b' : 'a';
    keys_copy(made.text, sizeof made.text,
              paa_str_of_n(text, key_write(parts.prefix, chosen, text)));
    return made;
}

TEST(a_wrong_key_an_unknown_one_and_a_mistyped_one_have_words_of_their_own)
{
    struct host_key key, other;
    char line[KEYS_LINE_MAX];
    struct host host;

    REQUIRE(host_open(&host, policy));
    REQUIRE(keys_mint(&host, &key, "plain", "client=acme", NULL));
    other = changed(&key, false);
    CHECK_SHOWN(&host, "/plain", with(&other, "apikey: "), 401, "wrong-key");
    other = changed(&key, true);
    CHECK_SHOWN(&host, "/plain", with(&other, "apikey: "), 401, "unknown-key");
    CHECK_SHOWN(&host, "/plain", "apikey: some-key-of-another-make-0123", 401, "unknown-key");
    CHECK_SHOWN(&host, "/plain", "apikey: short", 401, "unknown-key");
    (void)snprintf(line, sizeof line, "%s", key.line);
    line[strlen(line) - 1] = line[strlen(line) - 1] == '0' ? '1' : '0';
    CHECK_SHOWN(&host, "/plain", line, 401, "checksum");
    host_close(&host);
}

TEST(a_key_that_was_cut_short_or_has_something_behind_it_is_told_from_a_wrong_one)
{
    const size_t head = strlen("apikey: paa_0123456789ab_");
    char line[KEYS_LINE_MAX];
    struct host_key key;
    struct host host;

    REQUIRE(host_open(&host, policy));
    REQUIRE(keys_mint(&host, &key, "plain", "client=acme", NULL));
    for (size_t size = head; size < strlen(key.line); size++) {
        (void)snprintf(line, sizeof line, "%.*s", (int)size, key.line);
        CHECK_SHOWN(&host, "/plain", line, 401, "checksum");
    }
    (void)snprintf(line, sizeof line, "%s%s", key.line, "0");
    CHECK_SHOWN(&host, "/plain", line, 401, "checksum");
    CHECK_SHOWN(&host, "/peer", line, 401, "unknown-key"); /* its prefix is another */
    CHECK_SHOWN(&host, "/plain", "apikey: paa_0123456789abc_defghijklmnopq", 401, "unknown-key");
    host_close(&host);
}

TEST(what_cannot_be_a_key_is_a_bad_request)
{
    char line[KEYS_LINE_MAX] = "apikey: ";
    struct host_key key;
    struct host host;

    REQUIRE(host_open(&host, policy));
    REQUIRE(keys_mint(&host, &key, "plain", "client=acme", NULL)); /* so that there is a store */
    CHECK_SHOWN(&host, "/plain", "apikey: ", 400, "invalid_request");
    CHECK_SHOWN(&host, "/plain", "apikey: two words", 400, "invalid_request");
    CHECK_SHOWN(&host, "/plain", "apikey: na\xc3\xafve-and-long-enough-to-be", 400,
                "invalid_request");
    memset(line + strlen(line), 'x', 512);
    CHECK_SHOWN(&host, "/plain", line, 401, "unknown-key");
    memset(line + strlen(line), 'x', 1);
    CHECK_SHOWN(&host, "/plain", line, 400, "invalid_request");
    host_close(&host);
}

TEST(a_key_works_at_the_instances_it_names_and_by_itself_at_the_one_that_minted_it)
{
    struct host_key own, given;
    struct host host;

    REQUIRE(host_open(&host, policy));
    REQUIRE(keys_mint(&host, &own, "plain", "client=acme", NULL));
    REQUIRE(keys_mint(&host, &given, "plain", "client=acme", "instance=field", NULL));
    CHECK_SHOWN(&host, "/plain", own.line, 200, "");
    CHECK_SHOWN(&host, "/field", with(&own, "X-Api-Key: "), 401, "other-instance");
    CHECK_SHOWN(&host, "/field", with(&given, "X-Api-Key: "), 200, "");
    CHECK_SHOWN(&host, "/plain", given.line, 401, "other-instance");
    host_close(&host);
}

TEST(a_key_with_times_counts_between_them_only)
{
    struct host_key key;
    struct host host;

    REQUIRE(host_open(&host, policy));
    REQUIRE(keys_mint(&host, &key, "plain", "client=acme", "not_before=1h",
                      "expires=2026-01-02T00:00:00Z", NULL));
    CHECK_SHOWN(&host, "/plain", key.line, 401, "not-yet-valid");
    host_pass(&host, 3600 * 1000 - 1);
    CHECK_SHOWN(&host, "/plain", key.line, 401, "not-yet-valid");
    host_pass(&host, 1);
    CHECK_SHOWN(&host, "/plain", key.line, 200, "");
    host_pass(&host, (DAY_S - 3600) * 1000 - 1);
    CHECK_SHOWN(&host, "/plain", key.line, 200, "");
    host_pass(&host, 1);
    CHECK_SHOWN(&host, "/plain", key.line, 401, "expired");
    host_close(&host);
}

TEST(a_key_with_networks_is_good_from_their_addresses_only)
{
    struct host_key key;
    struct host host;

    REQUIRE(host_open(&host, policy));
    REQUIRE(keys_mint(&host, &key, "plain", "client=acme", "network=192.0.2.0/24",
                      "network=2001:db8::/32", "instance=plain", "instance=peer", NULL));
    CHECK_SHOWN_FROM(&host, "192.0.2.200", "/plain", key.line, 200, "");
    CHECK_SHOWN_FROM(&host, "192.0.3.1", "/plain", key.line, 401, "network");
    CHECK_SHOWN_FROM(&host, NULL, "/plain", key.line, 401, "network");
    /* What the host believes of the client is not asked for here, and of the peer nothing is known. */
    CHECK_SHOWN_FROM(&host, "192.0.2.200", "/peer", key.line, 401, "network");
    host_close(&host);
}

TEST(network_of_peer_means_the_other_end_of_the_connection)
{
    struct sockaddr_in address = { .sin_family = AF_INET }, client = { .sin_family = AF_INET };
    struct paa_peer_options options;
    struct paa_peer *peer = NULL;
    struct host_key key;
    struct host host;
    struct ask ask;

    (void)inet_pton(AF_INET, "192.0.2.1", &address.sin_addr);
    (void)inet_pton(AF_INET, "198.51.100.1", &client.sin_addr);
    REQUIRE(host_open(&host, policy));
    REQUIRE(keys_mint(&host, &key, "plain", "client=acme", "network=192.0.2.0/24", "instance=plain",
                      "instance=peer", NULL));
    paa_init(&options, sizeof options);
    options.address = paa_bytes_of(&address, sizeof address);
    REQUIRE(paa_peer_open(&peer, host.context, &options) == 0);
    ask_for(&ask, "GET", "/peer", key.line, NULL);
    ask.request.peer = peer;
    ask.request.client = paa_bytes_of(&client, sizeof client);
    CHECK_INT(ask_code(&host, &ask), 200);
    ask.request.target = paa_str_of("/plain");
    CHECK_INT(ask_code(&host, &ask), 401);
    paa_peer_close(&peer);
    host_close(&host);
}
