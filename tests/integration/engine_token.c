/* SPDX-License-Identifier: MIT */
/* A key in a token of SoftHSM from the policy to both ends: the core's own TLS proves it, and hosts are handed its URI. */
#include "sends.h"
#include "test.h"
#include "unit/token_made.h"

#include <netinet/in.h>
#include <paa/with_curl.h>
#include <paa/with_openssl.h>

static const char *at(const struct host *host, const char *name)
{
    static char paths[4][HOST_PATH_MAX + 16];
    static unsigned turn;
    char *path = paths[turn++ % 4];

    (void)snprintf(path, sizeof paths[0], "%s/%s", host->folder, name);
    return path;
}

static bool copy_certificate(const struct host *host)
{
    char from[512], text[8192];
    FILE *file;
    size_t size;

    (void)snprintf(from, sizeof from, "%s/hsm.pem", fault_server_folder());
    file = fopen(from, "re");
    if (file == NULL)
        return false;
    size = fread(text, 1, sizeof text, file);
    (void)fclose(file);
    store_file(at(host, "hsm.pem"), text, size, 0600);
    return true;
}

static char label[16]; /* of the key that the token was given last */

/* The key that the server's CA has certified goes into the token. */
static void fill_token(void)
{
    static int labels = 10;
    char path[512];
    EVP_PKEY *key;
    FILE *file;

    token_make();
    fault_server_make_client("hsm");
    (void)snprintf(path, sizeof path, "%s/hsm.key", fault_server_folder());
    file = fopen(path, "re");
    key = file != NULL ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;
    if (key == NULL)
        abort();
    (void)fclose(file);
    (void)snprintf(label, sizeof label, "hsm%d", ++labels);
    token_import(key, label, label + 3);
    EVP_PKEY_free(key);
}

static bool begin(struct place *place, const char *pin, const char *instances)
{
    struct paa_context_options options;
    char pattern[SENDS_POLICY_MAX], policy[SENDS_POLICY_MAX];

    place->server = fault_server_start(FAULT_TLS_CLIENT);
    fill_token();
    (void)snprintf(pattern, sizeof pattern,
                   "keys = { hsm = { uri = \"pkcs11:token=paa;object=%s\"; certificate = "
                   "\"hsm.pem\"; module = \"" SOFTHSM_MODULE "\"; pin = \"file:%s\"; }; };\n"
                   "instances = {\n%s tls = { ca = \"%s\"; }; };\n};\nservices = {\n" OUT(
                       "chain = ( { required = \"mine\" } );") "};\n",
                   label, pin, instances, fault_server_ca());
    sends_fill(place, pattern, policy);
    if (!host_init(&place->host) || !host_write(&place->host, policy) ||
        !copy_certificate(&place->host))
        return false;
    store_file(at(&place->host, "pin"), TOKEN_PIN, strlen(TOKEN_PIN), 0600);
    store_file(at(&place->host, "other"), "not the pin", 11, 0600);
    host_options(&place->host, &options);
    options.real_time_fn = NULL; /* certificates are of today */
    return host_open_with(&place->host, &options);
}

#define MINE                                                                                       \
    "mine = { plugin = \"oauth2-cc\"; client_id = \"me\"; token_endpoint = \"@/token\"; "          \
    "client_auth = \"tls_client_auth\"; client_key = \"hsm\"; certificate_bound = true;"

TEST(a_key_in_a_token_obtains_a_token_over_tls_and_its_uri_goes_to_the_host)
{
    static const struct fault_answer answer = TOKEN("t-1", ",\"expires_in\":600");
    const struct paa_client_tls *tls;
    struct fault_request seen;
    struct place place;
    struct paa_txn *txn;
    enum paa_state state;
    struct ask ask;

    REQUIRE(begin(&place, "pin", MINE));
    fault_server_answer(place.server, "/token", &answer);
    sends_ask(&ask);
    state = paa_txn_begin(&txn, place.host.lane, place.host.out, &ask.request);
    if (state == PAA_TXN_PENDING)
        state = paa_txn_wait(txn, -1);
    if (state != PAA_TXN_ALLOW)
        TEST_FAIL("%s\n%s", paa_txn_answer(txn)->sentence.data, place.host.log);
    CHECK_STR(edit_value(txn, PAA_MESSAGE_REQUEST, "Authorization"), "Bearer t-1");
    REQUIRE(fault_server_last(place.server, &seen));
    CHECK_STR(paa_str_of(seen.client), "hsm");
    tls = paa_txn_client_tls(txn);
    REQUIRE(tls != NULL);
    CHECK(strncmp(tls->key_uri.data, "pkcs11:token=paa;object=hsm", 27) == 0);
    CHECK(tls->key_pem.data == NULL && tls->chain_pem.size > 0);
    paa_txn_end(&txn);
    CHECK(strstr(place.host.log, TOKEN_PIN) == NULL);
    sends_end(&place);
}

static size_t ignore(char *data, size_t size, size_t count, void *user)
{
    (void)data;
    (void)user;
    return size * count;
}

static void check_seen(const struct place *place)
{
    struct fault_request seen;

    REQUIRE(fault_server_last(place->server, &seen));
    CHECK_STR(paa_str_of(seen.target), "/x");
    CHECK_STR(paa_str_of(seen.client), "hsm");
}

static void send_by_curl(const struct place *place, const struct paa_client_tls *tls)
{
    char url[FAULT_URL_MAX];
    CURL *curl = curl_easy_init();

    CHECK_INT(paa_client_tls_token(tls, NULL), 0);
    CHECK_INT(paa_with_curl(curl, tls), CURLE_OK);
    (void)curl_easy_setopt(curl, CURLOPT_CAINFO, fault_server_ca());
    (void)curl_easy_setopt(curl, CURLOPT_URL, fault_server_url(place->server, "/x", url));
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore);
    CHECK_INT(curl_easy_perform(curl), CURLE_OK);
    check_seen(place);
    curl_easy_cleanup(curl);
}

/* The key that the context was given is the token's: it signs what the certificate's key verifies. */
static void check_context(const struct paa_client_tls *tls)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    struct paa_client_tls other = *tls;
    struct paa_error error;

    CHECK_INT(paa_with_ssl_ctx(ctx, tls), 0);
    CHECK_INT(SSL_CTX_check_private_key(ctx), 1);
    SSL_CTX_free(ctx);
    ctx = SSL_CTX_new(TLS_client_method());
    other.key_uri = paa_str_of("pkcs11:token=paa;object=nobody");
    CHECK_INT(paa_with_ssl_ctx(ctx, &other), -1);
    SSL_CTX_free(ctx);
    ctx = SSL_CTX_new(TLS_client_method());
    other.key_uri = paa_str_of("nowhere:hsm");
    CHECK_INT(paa_with_ssl_ctx(ctx, &other), -1);
    CHECK_INT(paa_client_tls_token(&other, &error), -1);
    CHECK_HAS(error.text, "the key \"nowhere:hsm\" cannot be used: OpenSSL's engine speaks");
    other.key_uri = tls->key_uri;
    other.key_module = paa_str_of(NULL);
    CHECK_INT(paa_client_tls_token(&other, &error), -1);
    CHECK_HAS(error.text, "say module = ");
    CHECK_INT(paa_client_tls_token(NULL, &error), 0);
    SSL_CTX_free(ctx);
    ERR_clear_error();
}

TEST(hosts_show_a_key_that_stays_in_its_token_and_which_the_core_itself_has_used)
{
    static const struct fault_answer token_answer = TOKEN("t-1", ",\"expires_in\":600");
    static const struct fault_answer answer = { .code = 204 };
    const struct paa_client_tls *tls;
    struct place place;
    struct paa_txn *txn;
    enum paa_state state;
    struct ask ask;

    REQUIRE(begin(&place, "pin", MINE));
    fault_server_answer(place.server, "/token", &token_answer);
    fault_server_answer(place.server, "/x", &answer);
    sends_ask(&ask);
    state = paa_txn_begin(&txn, place.host.lane, place.host.out, &ask.request);
    if (state == PAA_TXN_PENDING)
        state = paa_txn_wait(txn, -1);
    REQUIRE(state == PAA_TXN_ALLOW);
    tls = paa_txn_client_tls(txn);
    CHECK_STR(tls->key_module, SOFTHSM_MODULE);
    CHECK_STR(tls->key_pin, TOKEN_PIN);
    send_by_curl(&place, tls);
    send_by_curl(&place, tls);
    check_context(tls);
    paa_txn_end(&txn);
    sends_end(&place);
}

/* libp11 forgets a PIN that was refused, and would then try the empty one, again and again. */
TEST(a_host_that_gave_a_wrong_pin_is_heard_with_the_right_one_at_once)
{
    static const char *const pins[] = { "not the pin", "not the pin", TOKEN_PIN };
    struct paa_client_tls tls;

    token_make();
    if (token_is_touched())
        return;
    paa_init(&tls, sizeof tls);
    tls.key_uri = paa_str_of("pkcs11:token=paa;object=ec");
    tls.key_module = paa_str_of(SOFTHSM_MODULE);
    for (size_t i = 0; i < 3; i++) {
        EVP_PKEY *key;

        tls.key_pin = paa_str_of(pins[i]);
        key = paa_with_token_key(&tls);
        CHECK((key != NULL) == (i == 2));
        EVP_PKEY_free(key);
    }
    ERR_clear_error();
}

TEST(a_module_that_others_can_change_or_that_is_not_there_refuses_the_policy_at_its_key)
{
    struct place place;
    char policy[1024];
    const char *module;

    REQUIRE(begin(&place, "pin", MINE));
    module = at(&place.host, "module.so");
    (void)snprintf(policy, sizeof policy,
                   "keys = {\nhsm = { uri = \"pkcs11:token=paa;object=hsm\"; certificate = "
                   "\"hsm.pem\"; module = \"%s\"; };\n};\n" POLICY(
                       "m = { plugin = \"mtls\"; client_key = \"hsm\"; };\n",
                       "other = { direction = \"outgoing\"; origins = [ \"https://a.b\" ];\n"
                       "chain = ( { required = \"m\" } ); };\n"),
                   module);
    REQUIRE(host_write(&place.host, policy));
    CHECK_INT(paa_context_reload(place.host.context, 60000, &place.host.error), -1);
    CHECK_HAS(place.host.error.text, "paa.conf:2: hsm: ");
    CHECK_HAS(place.host.error.text, "module.so does not exist");
    store_file(module, "junk", 4, 0600);
    CHECK_INT(chmod(module, 0622), 0);
    CHECK_INT(paa_context_reload(place.host.context, 60000, &place.host.error), -1);
    CHECK_HAS(place.host.error.text, "module.so is writable by");
    sends_end(&place);
}

TEST(a_token_that_does_not_open_sends_nothing_and_says_why)
{
    struct place place;
    struct sent sent;

    if (token_is_touched()) /* by the sentence before: who has logged in once stays so, for all of the process */
        return;
    REQUIRE(begin(&place, "other", MINE));
    sent = sends(&place.host);
    CHECK_INT(sent.code, 503);
    while (sends_count_log(&place, "cannot be used: PIN incorrect") == 0)
        (void)sched_yield();
    CHECK(strstr(place.host.log, "not the pin") == NULL);
    CHECK_INT(fault_server_requests(place.server), 0);
    sends_end(&place);
}

struct wrong {
    const char *key;
    const char *sentence;
};

TEST(what_a_policy_says_of_a_token_is_checked)
{
    static const struct wrong all[] = {
        { "uri = \"pkcs11:token=paa;object=hsm\";", "its certificate must be said" },
        { "uri = \"pkcs11:token=paa;object=hsm;pin-value=1234\"; certificate = \"c\";",
          "has a PIN in its \"uri\"" },
        { "uri = \"pkcs11:object=a?pin-source=file:/x\"; certificate = \"c\";",
          "has a PIN in its \"uri\"" },
        { "uri = \"pkcs11:object=a?module-path=/x\"; certificate = \"c\";", "has a module in its" },
        { "uri = \"pkcs11:token=paa\"; certificate = \"c\";", "\"object\" or \"id\" is missing" },
        { "uri = \"file:/etc/key.pem\"; certificate = \"c\";", "for a file there is \"key\"" },
        { "uri = \"/etc/key.pem\"; certificate = \"c\";", "for a file there is \"key\"" },
        { "uri = \"pkcs11:object=a\"; certificate = \"c\"; module = \"x.so\";", "absolute path" },
        { "uri = \"pkcs11:object=a\"; certificate = \"c\"; passphrase = \"file:x\";",
          "its token has a \"pin\"" },
        { "uri = \"pkcs11:object=a\"; key = \"file:x\";", "must say one of key" },
        { "key = \"file:x\"; pin = \"file:y\";", "go with \"uri\" only" },
        { "uri = \"pkcs11:object=a\"; certificate = \"c\"; pin = \"1234\";", "pin" },
    };
    struct paa_context_options options;
    char policy[2048];
    struct host host;

    REQUIRE(host_init(&host));
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        (void)snprintf(policy, sizeof policy,
                       "keys = {\nhsm = { %s };\n};\n" POLICY(
                           "m = { plugin = \"mtls\"; client_key = \"hsm\"; };\n",
                           OUT("chain = ( { required = \"m\" } );")),
                       all[i].key);
        REQUIRE(host_write(&host, policy));
        host_options(&host, &options);
        CHECK_INT(paa_context_open(&host.context, &options, &host.error), -1);
        CHECK_HAS(host.error.text, "paa.conf:2: ");
        CHECK_HAS(host.error.text, all[i].sentence);
    }
    host_close(&host);
}
