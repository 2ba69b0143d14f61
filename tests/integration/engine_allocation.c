/* SPDX-License-Identifier: MIT */
/* A request takes no memory once its lane has warmed up: malloc of the whole program is counted. Not built with
 * sanitizers, which have a malloc of their own. */
#include "host_keys.h"
#include "test.h"
#include "unit/key_made.h"

enum { WARM = 64, COUNTED = 64 };

/* glibc's own names; so that malloc can be counted here for every library of the program. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static _Thread_local bool is_counting;
static unsigned long taken;

/* PAA_API: seen by the libraries, which are to call these. */
static void count(void)
{
    if (is_counting)
        taken++;
}

PAA_API void *malloc(size_t size)
{
    count();
    return __libc_malloc(size);
}

PAA_API void *calloc(size_t number, size_t size)
{
    count();
    return __libc_calloc(number, size);
}

PAA_API void *realloc(void *memory, size_t size)
{
    count();
    return __libc_realloc(memory, size);
}

PAA_API int posix_memalign(void **ret_memory, size_t alignment, size_t size)
{
    count();
    *ret_memory = __libc_memalign(alignment, size);
    return *ret_memory != NULL ? 0 : 12;
}

PAA_API void *aligned_alloc(size_t alignment, size_t size)
{
    count();
    return __libc_memalign(alignment, size);
}

static const char policy[] = "stores = { keys = \"keys.db\"; };\n" POLICY(
    "keys = { plugin = \"apikey\"; header = \"X-Api-Key\"; store = \"keys\"; };\n" SCRIPT(
        "w", "attach = \"secret:Authorization=Bearer~x credential:1 accept\";"),
    "api = { direction = \"incoming\"; origins = [ \"https://api.example.com\" ];\n"
    "upstream = { subject = \"X-Auth-Subject\"; scope = \"X-Auth-Scope\"; };\n"
    "rules = (\n"
    "{ path = \"/open/**\"; chain = ( { required = \"permit\" }, { required = \"permit\" } ); },\n"
    "{ path = \"/deny\"; chain = ( { required = \"deny\" } ); },\n"
    "{ path = \"/key/*\"; chain = ( { required = \"keys\" } ); } ); };\n" OUT(
        "chain = ( { required = \"w\" } );"));

static void twelve_fields(struct ask *ask, const char *method, const char *target, const char *key)
{
    ask_for(ask, method, target, "Host: api.example.com", "User-Agent: curl/7.88.1",
            "Accept: application/json", "Accept-Encoding: gzip, br", "Accept-Language: en",
            "Content-Type: application/json", "Content-Length: 0", "X-Request-Id: 0123456789abcdef",
            "Cookie: a=1; b=2",
            "Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "X-Forwarded-For: 192.0.2.1", key, NULL);
}

/* Allocations of COUNTED requests after WARM ones. */
static unsigned long taken_by(struct host *host, struct paa_service *service, const struct ask *ask,
                              unsigned code)
{
    struct paa_txn *txn;

    for (int i = 0; i < WARM + COUNTED; i++) {
        enum paa_state state;
        unsigned got;

        if (i == WARM) {
            taken = 0;
            is_counting = true;
        }
        state = paa_txn_begin(&txn, host->lane, service, &ask->request);
        if (state == PAA_TXN_PENDING)
            state = paa_txn_wait(txn, -1);
        got = txn_code(state, txn);
        paa_txn_end(&txn);
        if (got == code)
            continue;
        is_counting = false;
        CHECK_INT(got, code);
        return 1;
    }
    is_counting = false;
    return taken;
}

TEST(malloc_is_counted)
{
    struct host host;

    is_counting = true;
    taken = 0;
    REQUIRE(host_open(&host, policy));
    is_counting = false;
    CHECK(taken > 10);
    host_close(&host);
}

TEST(a_request_with_12_fields_that_is_let_in_takes_no_memory)
{
    struct host host;
    struct ask ask;

    REQUIRE(host_open(&host, policy));
    twelve_fields(&ask, "GET", "/open/x?y=1", "X-Other: 1");
    CHECK_INT(ask.request.header_count, 12);
    CHECK_INT(taken_by(&host, host.api, &ask, 200), 0);
    ask.request.flags = PAA_REQUEST_STABLE;
    CHECK_INT(taken_by(&host, host.api, &ask, 200), 0);
    host_close(&host);
}

TEST(a_key_that_is_kept_in_a_store_is_checked_without_taking_memory)
{
    struct host_key key;
    struct host host;
    struct ask ask;

    REQUIRE(host_open(&host, policy));
    REQUIRE(host_mint(&host, "partner", &key));
    twelve_fields(&ask, "POST", "/key/x", key.line);
    CHECK_INT(taken_by(&host, host.api, &ask, 200), 0);
    host_close(&host);
}

TEST(a_request_that_is_refused_takes_no_memory_but_for_the_text_of_a_challenge)
{
    struct paa_context_options options;
    struct host host;
    struct ask ask;

    REQUIRE(host_init(&host) && host_write(&host, policy));
    host_options(&host, &options);
    options.log_level = PAA_LEVEL_NOTICE; /* a line for each denial is formatted below that */
    REQUIRE(host_open_with(&host, &options));
    twelve_fields(&ask, "GET", "/deny", "X-Other: 1");
    CHECK_INT(taken_by(&host, host.api, &ask, 403), 0);
    twelve_fields(&ask, "GET", "/key/../x", "X-Other: 1");
    CHECK_INT(taken_by(&host, host.api, &ask, 400), 0);
    twelve_fields(&ask, "GET", "/key/x", "X-Other: 1");
    CHECK(taken_by(&host, host.api, &ask, 401) <= COUNTED);
    twelve_fields(&ask, "GET", "/key/x", "X-Api-Key: paa_unknown");
    CHECK(taken_by(&host, host.api, &ask, 401) <= COUNTED);
    host_close(&host);
}

TEST(a_request_that_is_sent_with_a_credential_takes_no_memory)
{
    struct host host;
    struct ask ask;

    REQUIRE(host_open(&host, policy));
    twelve_fields(&ask, "GET", "https://out.example.com/x", "X-Other: 1");
    ask.request.authority = paa_str_of(NULL);
    CHECK_INT(taken_by(&host, host.out, &ask, 200), 0);
    host_close(&host);
}

static void write_pair(const struct host *host)
{
    EVP_PKEY *key = made_key("P-256");
    X509 *leaf = made_cert(key, "leaf", NULL, NULL, HOST_TIME_S - DAY_S, HOST_TIME_S + 90 * DAY_S);
    char path[HOST_PATH_MAX + 16];

    (void)snprintf(path, sizeof path, "%s/k", host->folder);
    store_key(path, key, NULL);
    (void)snprintf(path, sizeof path, "%s/c", host->folder);
    store_certs(path, &leaf, 1);
    X509_free(leaf);
    EVP_PKEY_free(key);
}

TEST(a_request_that_is_sent_with_a_client_certificate_and_cas_of_its_own_takes_no_memory)
{
    static const char shown[] =
        POLICY("m = { plugin = \"mtls\"; client_key = { key = \"file:k\"; certificate = \"c\"; }; "
               "};\n",
               OUT("tls = { ca = \"c\"; }; chain = ( { required = \"m\" } );"));
    struct paa_context_options options;
    struct paa_txn *txn;
    struct host host;
    struct ask ask;

    REQUIRE(host_init(&host) && host_write(&host, shown));
    write_pair(&host);
    host_options(&host, &options);
    REQUIRE(host_open_with(&host, &options));
    twelve_fields(&ask, "GET", "https://out.example.com/x", "X-Other: 1");
    ask.request.authority = paa_str_of(NULL);
    CHECK_INT(taken_by(&host, host.out, &ask, 200), 0);
    CHECK_INT(paa_txn_begin(&txn, host.lane, host.out, &ask.request), PAA_TXN_ALLOW);
    CHECK(paa_txn_client_tls(txn)->key_pem.size > 0 && paa_txn_client_tls(txn)->trust_pem.size > 0);
    paa_txn_end(&txn);
    host_close(&host);
}
