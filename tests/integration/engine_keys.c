/* SPDX-License-Identifier: MIT */
/* Private keys from the policy to a plugin: described in place, shared by name, refused with the line. */
#include "host.h"
#include "test.h"
#include "unit/key_made.h"

#define SIGNS(key) "attach = \"sign:ES256 need:ok key_id:X-Kid need:ok accept\"; signer = " key ";"
#define CHAIN2     OUT("chain = ( { required = \"a\" }, { required = \"b\" } );")
#define CHAIN1     OUT("chain = ( { required = \"a\" } );")

static const char shared[] =
    "keys = { client = { key = \"file:k\"; certificate = \"c\"; id = \"kid-7\"; }; };\n" POLICY(
        SCRIPT("a", SIGNS("\"client\"")) SCRIPT("b", SIGNS("\"client\"")), CHAIN2);
static const char in_place[] =
    POLICY(SCRIPT("a", SIGNS("{ key = \"file:k\"; certificate = \"c\"; id = \"kid-8\"; }")),
           CHAIN1);

static const char *at(const struct host *host, const char *name)
{
    static char paths[4][HOST_PATH_MAX + 16];
    static unsigned turn;
    char *path = paths[turn++ % 4];

    (void)snprintf(path, sizeof paths[0], "%s/%s", host->folder, name);
    return path;
}

/* A key "k" with its certificate "c", good from a day before the host's time. */
static void write_pair(const struct host *host, int64_t lasts_s)
{
    EVP_PKEY *key = made_key("P-256");
    X509 *leaf = made_cert(key, "leaf", NULL, NULL, HOST_TIME_S - DAY_S, HOST_TIME_S + lasts_s);

    store_key(at(host, "k"), key, NULL);
    store_certs(at(host, "c"), &leaf, 1);
    X509_free(leaf);
    EVP_PKEY_free(key);
}

static void sends_with(struct host *host, const char *key_id)
{
    struct paa_txn *txn;
    struct ask ask;
    enum paa_state state;

    ask_for(&ask, "GET", "https://out.example.com/", NULL);
    ask.request.authority = ask.request.scheme = paa_str_of(NULL);
    state = paa_txn_begin(&txn, host->lane, host->out, &ask.request);
    if (state == PAA_TXN_PENDING)
        state = paa_txn_wait(txn, -1);
    CHECK_INT(state, PAA_TXN_ALLOW);
    CHECK_STR(edit_value(txn, PAA_MESSAGE_REQUEST, "X-Kid"), key_id);
    paa_txn_end(&txn);
}

static bool opens(struct host *host, const char *policy, uint32_t flags)
{
    struct paa_context_options options;

    host_options(host, &options);
    options.flags |= flags;
    return host_write(host, policy) &&
           paa_context_open(&host->context, &options, &host->error) == 0;
}

TEST(two_instances_sign_with_one_key_of_the_policy)
{
    struct paa_context_options options;
    struct host host;

    REQUIRE(host_init(&host) && host_write(&host, shared));
    write_pair(&host, 90 * DAY_S);
    host_options(&host, &options);
    REQUIRE(host_open_with(&host, &options));
    CHECK_STR(paa_str_of(host.log), "");
    sends_with(&host, "kid-7");
    CHECK(host_write(&host, in_place));
    CHECK_INT(paa_context_reload(host.context, 60000, &host.error), 1);
    sends_with(&host, "kid-8");
    host_close(&host);
    CHECK_INT(host_broken_promises(), 0);
}

TEST(a_key_that_cannot_be_used_refuses_the_policy_at_its_line)
{
    struct host host;

    REQUIRE(host_init(&host));
    CHECK(!opens(&host, shared, 0));
    CHECK_HAS(host.error.text, "paa.conf:1: client: ");
    CHECK_HAS(host.error.text, "/k does not exist");
    write_pair(&host, 0);
    CHECK(!opens(&host, in_place, 0));
    CHECK_HAS(host.error.text, "paa.conf:2: signer: the certificate in ");
    CHECK_HAS(host.error.text, "expired on 2026-01-01: renew it");
    CHECK(!opens(&host, POLICY(SCRIPT("a", SIGNS("\"client\"")), CHAIN1), 0));
    CHECK_HAS(host.error.text, "paa.conf:2: signer: there is no key \"client\" in \"keys\"");
    host_close(&host);
}

TEST(a_broken_key_refuses_a_reload_and_the_old_one_signs_on)
{
    struct paa_context_options options;
    struct host host;

    REQUIRE(host_init(&host) && host_write(&host, shared));
    write_pair(&host, 90 * DAY_S);
    host_options(&host, &options);
    REQUIRE(host_open_with(&host, &options));
    store_file(at(&host, "other"), "junk", 4, 0600);
    CHECK(host_write(&host, POLICY(SCRIPT("a", SIGNS("{ key = \"file:other\"; }")), CHAIN1)));
    CHECK_INT(paa_context_reload(host.context, 60000, &host.error), -1);
    CHECK_HAS(host.error.text, "other holds no private key");
    sends_with(&host, "kid-7");
    host_close(&host);
}

TEST(a_check_tells_what_will_expire_and_what_nothing_uses_and_runs_nothing)
{
    static const char policy[] = "keys = { spare = { key = \"file:nowhere\"; }; };\n" POLICY(
        SCRIPT("a", SIGNS("{ key = \"file:k\"; certificate = \"c\"; }"))
            SCRIPT("b", SIGNS("{ key = \"file:k\"; passphrase = \"exec:/bin/false\"; }")),
        CHAIN2);
    struct paa_context_options options;
    const char *const scripted[] = { SCRIPTED };
    struct host host;

    REQUIRE(host_init(&host) && host_write(&host, policy));
    write_pair(&host, 13 * DAY_S);
    host_options(&host, &options);
    options.flags |= PAA_OPEN_CHECK;
    options.allow_plugins = scripted;
    options.allow_plugin_count = 1;
    CHECK_INT(paa_context_open(&host.context, &options, &host.error), 0);
    CHECK_HAS(host.log, "paa.conf:3: signer: the certificate in ");
    CHECK_HAS(host.log, "expires on 2026-01-14: renew it");
    CHECK_HAS(host.log, "paa.conf:1: no instance uses key \"spare\"");
    CHECK(strstr(host.log, "/bin/false") == NULL);
    host_close(&host);
}

static void note_option(const struct paa_option_info *info, void *user)
{
    char *text = user;
    size_t size = strlen(text);

    (void)snprintf(text + size, 8192 - size, "%s (%s)\n", info->option, info->type);
}

TEST(a_plugins_description_says_what_a_key_may_say)
{
    struct paa_error error = { "" };
    char text[8192] = "";

    CHECK_INT(paa_plugin_describe(NULL, SCRIPTED, note_option, text, &error), 0);
    CHECK_HAS(text, "signer (private key)\n"
                    "signer.key (secret)\n"
                    "signer.certificate (list of path)\n"
                    "signer.pkcs12 (path)\n"
                    "signer.passphrase (secret)\n"
                    "signer.id (string)\n"
                    "signer.warn_before (duration)\n");
}

/* ---- a person who knows the passphrase ----------------------------------------------------------- */

struct person {
    const char *const *replies; /* NULL ends: declines from then on */
    int asked;
    char text[512];
};

static struct person person;

static int64_t reply(const struct paa_prompt *prompt, char *ret_reply, size_t size, void *user)
{
    const char *said = person.replies[person.asked];

    (void)user;
    person.asked++;
    CHECK_INT(prompt->kind, PAA_PROMPT_SECRET);
    (void)snprintf(person.text, sizeof person.text, "%.*s", (int)prompt->text.size,
                   prompt->text.data);
    if (said == NULL || strlen(said) > size)
        return -1;
    memcpy(ret_reply, said, strlen(said));
    return (int64_t)strlen(said);
}

/* "k" is encrypted, and the policy does not say how. */
static void write_locked(const struct host *host, const char *passphrase)
{
    EVP_PKEY *key = made_key("P-256");
    X509 *leaf = made_cert(key, "leaf", NULL, NULL, HOST_TIME_S - DAY_S, HOST_TIME_S + 90 * DAY_S);

    store_key(at(host, "k"), key, passphrase);
    store_certs(at(host, "c"), &leaf, 1);
    X509_free(leaf);
    EVP_PKEY_free(key);
}

static bool opens_by(struct host *host, const char *const *replies)
{
    struct paa_context_options options;

    person = (struct person){ replies, 0, "" };
    host_options(host, &options);
    options.converse_fn = reply;
    return paa_context_open(&host->context, &options, &host->error) == 0;
}

TEST(a_person_is_asked_for_a_passphrase_that_the_policy_does_not_name)
{
    static const char *const right[] = { "wrong one", "open sesame", NULL };
    struct host host;

    REQUIRE(host_init(&host) && host_write(&host, shared));
    write_locked(&host, "open sesame");
    if (!opens_by(&host, right))
        TEST_FAIL("%s (%d)", host.error.text, person.asked);
    CHECK_INT(person.asked, 2);
    CHECK_HAS(person.text, "Passphrase of ");
    CHECK_HAS(person.text, "/k: ");
    host.out = paa_service_find(host.context, "out", PAA_OUTGOING, NULL);
    REQUIRE(paa_lane_open(&host.lane, host.context, &host.error) == 0);
    sends_with(&host, "kid-7");
    /* a reload asks nobody, and the file may be another one with the same passphrase */
    write_locked(&host, "open sesame");
    CHECK(host_write(&host, in_place));
    CHECK_INT(paa_context_reload(host.context, 60000, &host.error), 1);
    sends_with(&host, "kid-8");
    CHECK_INT(person.asked, 2);
    CHECK(strstr(host.log, "sesame") == NULL && strstr(host.log, "wrong one") == NULL);
    host_close(&host);
}

TEST(who_does_not_know_the_passphrase_opens_nothing)
{
    static const char *const wrong[] = { "a", "b", "c", "d", NULL };
    static const char *const none[] = { NULL };
    struct host host;

    REQUIRE(host_init(&host) && host_write(&host, shared));
    write_locked(&host, "open sesame");
    CHECK(!opens_by(&host, wrong));
    CHECK_INT(person.asked, 3);
    CHECK_HAS(host.error.text, "/k cannot be decrypted with this passphrase");
    CHECK(!opens_by(&host, none));
    CHECK_INT(person.asked, 1);
    CHECK_HAS(host.error.text, "/k is encrypted: say where its passphrase is");
    host_close(&host);
}
