/* SPDX-License-Identifier: MIT */
/*
 * Logins at a real provider: a browser of libcurl's goes there, fills in its forms and comes back. In real time, for the
 * provider knows no other.
 */
#include "browsers.h"
#include "idp.h"
#include "test.h"

#include <curl/curl.h>

enum { STEPS_MAX = 12, PAGE_TEXT_MAX = 64 * 1024 };

#define ORIGIN "https://api.example.com"
#define SECRET "\"client_secret\":\"the secret of the shop\""
#define SHOWS(name, method)                                                                        \
    "client_key = { key = \"file:" name ".key\"; certificate = \"" name                            \
    ".crt\"; }; client_auth = \"" method "\";"

/* Clients of the provider, each with another way to be known to it. */
static const struct way {
    const char *client;
    const char *method; /* so the provider is told, with what it needs for that */
    const char *proof;
    const char *options; /* and so is the policy */
    bool at_mtls;        /* the endpoint that asks for certificates, named in the policy */
} ways[] = {
    { BROWSER_CLIENT, "client_secret_basic", SECRET, "client_secret = \"file:secret\";", false },
    { "posts", "client_secret_post", SECRET,
      "client_secret = \"file:secret\"; client_auth = \"client_secret_post\";", false },
    { "signs", "private_key_jwt", "\"keys\":{\"p256\":\"jwt-p256.pub\"}",
      "client_key = { key = \"file:jwt-p256.key\"; id = \"p256\"; };", false },
    { "shows", "tls_client_auth", "\"tls_client_auth_subject_dn\":\"CN=mtls\"",
      SHOWS("mtls", "tls_client_auth"), true },
    { "itself", "self_signed_tls_client_auth", "\"keys\":{\"one\":\"selfsigned.crt\"}",
      SHOWS("selfsigned", "self_signed_tls_client_auth"), true },
};

struct place {
    struct idp idp;
    struct host host;
    struct fault_server *listener; /* where the provider posts logout tokens */
    CURL *curl;                    /* the browser's other half: with the provider's cookies */
    char page[PAGE_TEXT_MAX];
    size_t page_size;
};

static struct place place;
static struct browser browser;
static struct page page;

/* ---- the browser at the provider -------------------------------------------------------------------- */

static size_t take(char *data, size_t size, size_t count, void *user)
{
    (void)user;
    for (size_t i = 0; i < size * count && place.page_size + 1 < PAGE_TEXT_MAX; i++)
        place.page[place.page_size++] = data[i];
    place.page[place.page_size] = '\0';
    return size * count;
}

/* The status; the page is in place.page. form NULL: GET. */
static long curl_ask(const char *url, const char *form)
{
    long code = 0;

    place.page_size = 0;
    place.page[0] = '\0';
    curl_easy_setopt(place.curl, CURLOPT_URL, url);
    if (form != NULL)
        curl_easy_setopt(place.curl, CURLOPT_POSTFIELDS, form);
    else
        curl_easy_setopt(place.curl, CURLOPT_HTTPGET, 1L);
    if (curl_easy_perform(place.curl) != CURLE_OK)
        return 0;
    (void)curl_easy_getinfo(place.curl, CURLINFO_RESPONSE_CODE, &code);
    return code;
}

/* What stands behind `before` up to a quote. */
static void cut(const char *before, char *ret_text, size_t size)
{
    const char *at = strstr(place.page, before);

    ret_text[0] = '\0';
    if (at != NULL)
        (void)snprintf(ret_text, size, "%.*s", (int)strcspn(at + strlen(before), "\""),
                       at + strlen(before));
}

/* The form of this page, with that answer: of an interaction, or of a logout. */
static long fill_in(const char *url, const char *answer)
{
    char action[1024], form[1024], chance[256];

    cut("name=\"xsrf\" value=\"", chance, sizeof chance);
    cut("action=\"", action, sizeof action);
    if (chance[0] != '\0')
        (void)snprintf(form, sizeof form, "xsrf=%s&logout=%s", chance, answer);
    else
        (void)snprintf(form, sizeof form, "login=alice&answer=%s", answer);
    return curl_ask(action[0] != '\0' ? action : url, form);
}

/* From the provider's address until it sends the browser back to us: the target there. "": it does not. */
static const char *walk(const char *from, const char *answer)
{
    static char url[URL_TEXT_MAX];
    char *next = NULL;
    long code = 0;

    (void)snprintf(url, sizeof url, "%s", from);
    for (int i = 0; i < STEPS_MAX; i++) {
        if (strncmp(url, ORIGIN, strlen(ORIGIN)) == 0)
            return url + strlen(ORIGIN);
        code = curl_ask(url, NULL);
        if (code == 200)
            code = fill_in(url, answer);
        (void)curl_easy_getinfo(place.curl, CURLINFO_REDIRECT_URL, &next);
        if (code < 300 || code > 399 || next == NULL)
            break;
        (void)snprintf(url, sizeof url, "%s", next);
    }
    TEST_FAIL("the provider answers %ld at %.200s: %.600s", code, url, place.page);
    return "";
}

/* ---- the stage -------------------------------------------------------------------------------------- */

static const char *config(int token_s, const char *told)
{
    static char text[4096];
    size_t at = (size_t)snprintf(text, sizeof text, "{\"ttl_s\":{\"AccessToken\":%d},\"clients\":{",
                                 token_s);

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        at +=
            (size_t)snprintf(text + at, sizeof text - at,
                             "%s\"%s\":{\"grant_types\":[\"authorization_code\",\"refresh_token\"],"
                             "\"redirect_uris\":[\"" ORIGIN
                             "/callback\"],\"post_logout_redirect_uris\":[\"" ORIGIN
                             "/bye\"],\"backchannel_logout_uri\":\"%s\",\"backchannel_logout_"
                             "session_required\":true,"
                             "\"token_endpoint_auth_method\":\"%s\",%s}",
                             i > 0 ? "," : "", ways[i].client, told, ways[i].method, ways[i].proof);
    (void)snprintf(text + at, sizeof text - at, "}}");
    return text;
}

/* The provider's files are the user nobody's, where root runs the test: a policy wants them to be the host's. */
static bool copy_file(const char *name)
{
    char path[HOST_PATH_MAX], text[16 * 1024];
    FILE *file;
    size_t size;

    (void)snprintf(path, sizeof path, "%s/%s", place.idp.folder, name);
    file = fopen(path, "r");
    if (file == NULL)
        return false;
    size = fread(text, 1, sizeof text - 1, file);
    text[size] = '\0';
    return fclose(file) == 0 && tokens_write(&place.host, name, text);
}

static bool copy_files(void)
{
    static const char *const files[] = { "ca.crt",   "jwt-p256.key",   "mtls.key",
                                         "mtls.crt", "selfsigned.key", "selfsigned.crt" };

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (!copy_file(files[i]))
            return false;
    return tokens_write(&place.host, "secret", "the secret of the shop");
}

static bool open_host(const struct way *way)
{
    struct paa_context_options options;
    char policy[4096], endpoint[128] = "";

    if (way->at_mtls)
        (void)snprintf(endpoint, sizeof endpoint, "token_endpoint = \"%s/token\";", place.idp.mtls);
    (void)
        snprintf(policy, sizeof policy,
                 POLICY("login = { plugin = \"oauth2-code\"; issuer = \"%s\"; client_id = \"%s\"; "
                        "%s %s callback = \"/callback\"; logout = \"/logout\"; "
                        "after_logout = \"/bye\"; backchannel_logout = \"/told\"; "
                        "upstream_token = true; tls = { ca = \"ca.crt\"; }; };\n",
                        "%s"),
                 place.idp.issuer, way->client, way->options, endpoint, PAGES);
    host_options(&place.host, &options);
    options.real_time_fn = NULL;
    options.monotonic_fn = NULL;
    options.random_fn = NULL; /* the provider remembers every jti */
    options.log_level = PAA_LEVEL_NOTICE;
    return host_write(&place.host, policy) && host_open_with(&place.host, &options);
}

static bool begin(int token_s)
{
    char told[FAULT_URL_MAX], ca[64];
    struct fault_answer nothing = { .code = 200 };

    memset(&place, 0, sizeof place);
    memset(&browser, 0, sizeof browser);
    place.listener = fault_server_start(FAULT_TLS_NONE);
    fault_server_answer(place.listener, "/told", &nothing);
    (void)fault_server_url(place.listener, "/told", told);
    place.curl = curl_easy_init();
    if (!idp_make_folder(&place.idp) || !idp_start(&place.idp, config(token_s, told)) ||
        !host_init(&place.host) || !copy_files() || !open_host(&ways[0]) || place.curl == NULL)
        return false;
    (void)snprintf(ca, sizeof ca, "%s/ca.crt", place.idp.folder);
    curl_easy_setopt(place.curl, CURLOPT_CAINFO, ca);
    curl_easy_setopt(place.curl, CURLOPT_COOKIEFILE, "");
    curl_easy_setopt(place.curl, CURLOPT_WRITEFUNCTION, take);
    return true;
}

static void end(void)
{
    curl_easy_cleanup(place.curl);
    host_close(&place.host);
    idp_stop(&place.idp);
    fault_server_stop(place.listener);
}

static unsigned visits(const char *target)
{
    visit(&place.host, &browser, &page, "GET", target, NAVIGATES, NULL);
    return page.code;
}

/* To the provider and back. */
static bool logs_in(const char *answer)
{
    static char target[URL_TEXT_MAX];

    if (visits("/orders?page=2") != 302)
        return false;
    (void)snprintf(target, sizeof target, "%s", walk(page.location, answer));
    visit(&place.host, &browser, &page, "GET", target, NAVIGATES, "Sec-Fetch-Site: cross-site",
          NULL);
    return page.code == 302;
}

/* ---- tests ------------------------------------------------------------------------------------------ */

TEST(a_person_logs_in_at_the_provider_and_out_again)
{
    static char target[URL_TEXT_MAX];

    REQUIRE(begin(600));
    REQUIRE(logs_in("yes"));
    CHECK_STR(paa_str_of(page.location), "/orders?page=2");
    CHECK_INT(visits("/orders?page=2"), 200);
    CHECK_STR(paa_str_of(page.subject), "alice");
    CHECK_STR(paa_str_of(page.issuer), place.idp.issuer);
    CHECK_STR(paa_str_of(page.methods), "login"); /* it says no amr */
    CHECK_HAS(page.authorization, "Bearer ");
    visit(&place.host, &browser, &page, "POST", "/logout", "Sec-Fetch-Site: same-origin", NULL);
    CHECK_INT(page.code, 303);
    (void)snprintf(target, sizeof target, "%s", walk(page.location, "yes"));
    CHECK_STR(paa_str_of(target), "/bye");
    CHECK_INT(visits("/orders"), 302);
    end();
}

TEST(a_person_says_no_at_the_provider)
{
    REQUIRE(begin(600));
    CHECK(!logs_in("no"));
    CHECK_INT(page.code, 403);
    CHECK_HAS(page.body, "You said no");
    CHECK(jar_find(&browser, SESSION_COOKIE) == NULL);
    CHECK(logs_in("yes"));
    end();
}

TEST(an_access_token_of_the_provider_is_renewed_and_rotates)
{
    char first[2048];

    REQUIRE(begin(10)); /* so short that it is renewed with each request */
    REQUIRE(logs_in("yes"));
    CHECK_INT(visits("/orders"), 200);
    (void)snprintf(first, sizeof first, "%s", page.authorization);
    CHECK_HAS(first, "Bearer ");
    CHECK_INT(visits("/orders"), 200);
    CHECK(strcmp(first, page.authorization) != 0);
    CHECK_INT(visits("/orders"), 200);
    end();
}

/* Has the log of the provider that, which says why a request was refused? */
static bool provider_told(const char *text)
{
    static char log[PAGE_TEXT_MAX];
    char path[64];
    FILE *file;
    size_t size;

    (void)snprintf(path, sizeof path, "%s/log", place.idp.folder);
    file = fopen(path, "r");
    if (file == NULL)
        return true;
    size = fread(log, 1, sizeof log - 1, file);
    log[size] = '\0';
    (void)fclose(file);
    return strstr(log, text) != NULL;
}

/* Code, renewal and revocation alike, each by a request that the client must be known in. */
TEST(each_kind_of_client_logs_people_in_renews_and_revokes)
{
    char first[2048];

    REQUIRE(begin(10)); /* as above */
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        paa_lane_close(&place.host.lane);
        paa_context_close(&place.host.context);
        memset(&browser, 0, sizeof browser);
        REQUIRE(open_host(&ways[i]));
        if (!logs_in("yes"))
            TEST_FAIL("%s: %u %s\n%s", ways[i].method, page.code, page.reason, place.host.log);
        CHECK_INT(visits("/orders"), 200);
        (void)snprintf(first, sizeof first, "%s", page.authorization);
        CHECK_INT(visits("/orders"), 200);
        CHECK_HAS(page.authorization, "Bearer ");
        CHECK(strcmp(first, page.authorization) != 0);
        visit(&place.host, &browser, &page, "POST", "/logout", "Sec-Fetch-Site: same-origin", NULL);
        CHECK_INT(page.code, 303);
    }
    CHECK(!provider_told(".error"));
    end();
}

/* The provider's own logout ends the session here: it posts a token, which the test carries over. */
TEST(the_provider_says_that_a_session_ended)
{
    struct fault_request told;
    static struct ask ask;
    struct paa_txn *txn;
    enum paa_state state;
    char url[256];

    REQUIRE(begin(600));
    REQUIRE(logs_in("yes"));
    CHECK_INT(visits("/orders"), 200);
    (void)snprintf(url, sizeof url, "%s/session/end", place.idp.issuer);
    CHECK_INT(curl_ask(url, NULL), 200);
    (void)fill_in(url, "yes");
    fault_server_await(place.listener, 1);
    REQUIRE(fault_server_last(place.listener, &told));
    ask_for(&ask, "POST", "/told", "Content-Type: application/x-www-form-urlencoded", NULL);
    ask.request.flags = PAA_REQUEST_BODY;
    state = paa_txn_begin(&txn, place.host.lane, place.host.api, &ask.request);
    if (state == PAA_TXN_INPUT)
        state = paa_txn_body(txn, paa_bytes_of(told.body, told.body_size), 1);
    if (state == PAA_TXN_PENDING)
        state = paa_txn_wait(txn, -1);
    CHECK_INT(txn_code(state, txn), 200);
    paa_txn_end(&txn);
    CHECK_INT(visits("/orders"), 302);
    CHECK(jar_find(&browser, SESSION_COOKIE) == NULL);
    end();
}
