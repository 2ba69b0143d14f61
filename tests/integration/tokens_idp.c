/* SPDX-License-Identifier: MIT */
/*
 * Both ends of oauth2-cc and a real provider between them: what one instance obtains and attaches, another one takes. In
 * real time, for the provider knows no other.
 */
#include "idp.h"
#include "test.h"
#include "tokens.h"

#include <openssl/pem.h>
#include <openssl/x509.h>

#define ORIGIN "origins = [ \"https://api.example.com\" ]; "
#define WHO    "plugin = \"oauth2-cc\"; issuer = \"@\"; tls = { ca = \"ca.crt\"; }; "
#define IN(n)                                                                                      \
#n " = { direction = \"incoming\"; " ORIGIN "chain = ( { required = \"" #n "\" } ); };\n"
#define SEND(n)                                                                                    \
#n " = { direction = \"outgoing\"; " ORIGIN "chain = ( { required = \"" #n "\" } ); };\n"

struct place {
    struct idp idp;
    struct host host;
    char authorization[TOKEN_FIELD_MAX];
    char proof[TOKEN_FIELD_MAX];
    X509 *certificate; /* the client's; NULL: it shows none */
};

/* The provider's files are the user nobody's, where root runs the test: a policy wants them to be the host's. */
static bool copy(const struct place *place, const char *name)
{
    char path[HOST_PATH_MAX], text[16 * 1024];
    FILE *file;
    size_t size;

    (void)snprintf(path, sizeof path, "%s/%s", place->idp.folder, name);
    file = fopen(path, "r");
    if (file == NULL)
        return false;
    size = fread(text, 1, sizeof text - 1, file);
    text[size] = '\0';
    return fclose(file) == 0 && tokens_write(&place->host, name, text);
}

/* The issuer for each "@". */
static void fill(char *text, size_t size, const char *pattern, const char *issuer)
{
    size_t at = 0;

    for (; *pattern != '\0'; pattern++)
        at += (size_t)snprintf(text + at, size - at, "%.*s", *pattern == '@' ? 64 : 1,
                               *pattern == '@' ? issuer : pattern);
}

/* instances: with "@" for the issuer. */
static bool begin(struct place *place, const char *config, const char *instances,
                  const char *services)
{
    static const char *const files[] = { "ca.crt",       "mtls.crt",       "mtls.key",
                                         "jwt-p256.key", "selfsigned.crt", "selfsigned.key" };
    struct paa_context_options options;
    char policy[8192], filled[4096];

    memset(place, 0, sizeof *place);
    if (!idp_make_folder(&place->idp) || !idp_start(&place->idp, config) ||
        !host_init(&place->host))
        return false;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (!copy(place, files[i]))
            return false;
    fill(filled, sizeof filled, instances, place->idp.issuer);
    (void)snprintf(policy, sizeof policy, "instances = {\n%s};\nservices = {\n%s};\n", filled,
                   services);
    host_options(&place->host, &options);
    options.real_time_fn = NULL;
    options.monotonic_fn = NULL;
    return host_write(&place->host, policy) && host_open_with(&place->host, &options);
}

static void end(struct place *place)
{
    X509_free(place->certificate);
    host_close(&place->host);
    idp_stop(&place->idp);
}

/* ---- sending and receiving ----------------------------------------------------------------------- */

static void keep(const struct paa_txn *txn, const char *name, char line[TOKEN_FIELD_MAX])
{
    struct paa_str value = edit_value(txn, PAA_MESSAGE_REQUEST, name);

    line[0] = '\0';
    if (value.data != NULL)
        (void)snprintf(line, TOKEN_FIELD_MAX, "%s: %.*s", name, (int)value.size, value.data);
}

/* The certificate that TLS would show; NULL: none. */
static X509 *shown_by(const struct paa_txn *txn)
{
    const struct paa_client_tls *tls = paa_txn_client_tls(txn);
    X509 *leaf = NULL;
    BIO *bio;

    if (tls == NULL || tls->chain_pem.data == NULL || tls->key_pem.data == NULL)
        return NULL;
    bio = BIO_new_mem_buf(tls->chain_pem.data, (int)tls->chain_pem.size);
    leaf = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    return leaf;
}

/* What the service attaches to GET /orders. */
static bool sends(struct place *place, const char *service)
{
    struct paa_request request;
    struct paa_txn *txn;
    enum paa_state state;

    paa_init(&request, sizeof request);
    request.method = paa_str_of("GET");
    request.target = paa_str_of("https://api.example.com/orders");
    state =
        paa_txn_begin(&txn, place->host.lane,
                      paa_service_find(place->host.context, service, PAA_OUTGOING, NULL), &request);
    if (state == PAA_TXN_PENDING)
        state = paa_txn_wait(txn, -1);
    if (state != PAA_TXN_ALLOW)
        TEST_FAIL("%s sends nothing: %.*s", service, (int)paa_txn_step(txn, 0)->reason.size,
                  paa_txn_step(txn, 0)->reason.data);
    keep(txn, "Authorization", place->authorization);
    keep(txn, "DPoP", place->proof);
    X509_free(place->certificate);
    place->certificate = shown_by(txn);
    paa_txn_end(&txn);
    return state == PAA_TXN_ALLOW;
}

static void show(struct paa_peer *peer, void *user)
{
    X509 *certificate = user;
    unsigned char *der = NULL;
    int size = i2d_X509(certificate, &der);

    if (size > 0)
        (void)paa_peer_cert(peer, paa_bytes_of(der, (size_t)size));
    OPENSSL_free(der);
}

/* The status; how it was proven, or why not. */
static unsigned gets(struct place *place, const char *service, char ret_word[64])
{
    static struct ask ask;
    struct paa_peer_options options;
    struct paa_peer *peer = NULL;
    struct paa_txn *txn;
    struct paa_str word;
    enum paa_state state;
    unsigned code;

    ask_for(&ask, "GET", "/orders", place->authorization,
            place->proof[0] != '\0' ? place->proof : NULL, NULL);
    paa_init(&options, sizeof options);
    options.flags = PAA_PEER_TLS;
    options.cert_fn = show;
    options.user = place->certificate;
    if (place->certificate != NULL && paa_peer_open(&peer, place->host.context, &options) == 0)
        ask.request.peer = peer;
    state = paa_txn_begin(&txn, place->host.lane,
                          paa_service_find(place->host.context, service, PAA_INCOMING, NULL),
                          &ask.request);
    if (state == PAA_TXN_PENDING)
        state = paa_txn_wait(txn, -1);
    code = txn_code(state, txn);
    word =
        state == PAA_TXN_ALLOW ? paa_txn_principal(txn, 0)->methods : paa_txn_step(txn, 0)->reason;
    (void)snprintf(ret_word, 64, "%.*s", (int)word.size, word.data != NULL ? word.data : "");
    paa_txn_end(&txn);
    paa_peer_close(&peer);
    return code;
}

#define CHECK_GETS(place, service, code, said)                                                     \
    do {                                                                                           \
        char gets_word[64];                                                                        \
        CHECK_INT(gets(place, service, gets_word), code);                                          \
        CHECK_STR(paa_str_of(gets_word), said);                                                    \
    } while (0)

/* ---- tests --------------------------------------------------------------------------------------- */

TEST(jwts_of_each_algorithm_are_obtained_and_taken_and_keys_rotate)
{
    static const char instances[] =
        "in = { " WHO "audience = [ \"https://rs256.test/\", \"https://es256.test/\", "
        "\"https://eddsa.test/\" ]; kind = \"machine\"; };\n"
        "rs = { " WHO "client_id = \"basic\"; client_secret = \"the secret: of basic+100%\"; "
        "resource = \"https://rs256.test/\"; };\n"
        "es = { " WHO "client_id = \"post\"; client_secret = \"the secret: of post+100%\"; "
        "client_auth = \"client_secret_post\"; resource = \"https://es256.test/\"; };\n"
        "ed = { " WHO "client_id = \"jwt\"; client_key = { key = \"file:jwt-p256.key\"; id = "
        "\"p256\"; }; resource = \"https://eddsa.test/\"; };\n";
    struct place place;

    REQUIRE(begin(&place, "{}", instances, IN(in) SEND(rs) SEND(es) SEND(ed)));
    CHECK(sends(&place, "rs"));
    CHECK_GETS(&place, "in", 200, "jwt");
    CHECK(idp_order(&place.idp, "rotate"));
    CHECK(sends(&place, "es"));
    CHECK_GETS(&place, "in", 200, "jwt");
    CHECK(sends(&place, "ed"));
    CHECK_GETS(&place, "in", 200, "jwt");
    CHECK(idp_order(&place.idp, "down"));
    CHECK_GETS(&place, "in", 200, "jwt");
    end(&place);
}

TEST(opaque_tokens_are_asked_about)
{
    static const char instances[] =
        "in = { " WHO "audience = \"https://opaque.test/\"; token = \"introspection\"; "
        "client_id = \"api\"; client_secret = \"the-secret-of-api\"; };\n"
        "auto = { " WHO "audience = \"https://other.test/\"; token = \"auto\"; "
        "client_id = \"api\"; client_secret = \"the-secret-of-api\"; };\n"
        "out = { " WHO "client_id = \"basic\"; client_secret = \"the secret: of basic+100%\"; "
        "resource = \"https://opaque.test/\"; scope = \"orders:read\"; };\n";
    struct place place;

    REQUIRE(begin(&place, "{}", instances, IN(in) IN(auto) SEND(out)));
    CHECK(sends(&place, "out"));
    CHECK_GETS(&place, "in", 200, "introspection");
    CHECK_GETS(&place, "auto", 401, "audience");
    (void)snprintf(place.authorization, sizeof place.authorization,
                   "Authorization: Bearer nonsense");
    CHECK_GETS(&place, "in", 401, "inactive");
    CHECK_GETS(&place, "auto", 401, "inactive");
    CHECK(sends(&place, "out"));
    CHECK(idp_order(&place.idp, "down"));
    CHECK_GETS(&place, "in", 200, "introspection"); /* what it said is still believed */
    (void)snprintf(place.authorization, sizeof place.authorization, "Authorization: Bearer other");
    CHECK_GETS(&place, "in", 503, "introspection");
    end(&place);
}

#define ASKS "audience = \"https://opaque.test/\"; token = \"introspection\"; "

/* RFC 7662 2.1. A wrong secret says nothing of the token. */
TEST(the_issuer_is_asked_by_each_client_authentication)
{
    static const char instances[] =
        "basic = { " WHO ASKS "client_id = \"api\"; client_secret = \"the-secret-of-api\"; };\n"
        "post = { " WHO ASKS "client_id = \"post\"; client_secret = \"the secret: of post+100%\"; "
        "client_auth = \"client_secret_post\"; };\n"
        "jwt = { " WHO ASKS "client_id = \"jwt\"; client_key = { key = \"file:jwt-p256.key\"; id = "
        "\"p256\"; }; };\n"
        "mtls = { " WHO ASKS
        "client_id = \"mtls\"; client_auth = \"tls_client_auth\"; client_key = "
        "{ key = \"file:mtls.key\"; certificate = \"mtls.crt\"; }; };\n"
        "self = { " WHO ASKS
        "client_id = \"selfsigned\"; client_auth = \"self_signed_tls_client_auth\"; client_key = "
        "{ key = \"file:selfsigned.key\"; certificate = \"selfsigned.crt\"; }; };\n"
        "wrong = { " WHO ASKS "client_id = \"api\"; client_secret = \"not it\"; };\n"
        "out = { " WHO "client_id = \"basic\"; client_secret = \"the secret: of basic+100%\"; "
        "resource = \"https://opaque.test/\"; };\n";
    static const char *const ways[] = { "basic", "post", "jwt", "mtls", "self" };
    struct place place;

    REQUIRE(begin(&place,
                  "{\"mtls\":\"main\",\"introspectors\":[\"api\",\"post\",\"jwt\",\"mtls\","
                  "\"selfsigned\"]}",
                  instances, IN(basic) IN(post) IN(jwt) IN(mtls) IN(self) IN(wrong) SEND(out)));
    CHECK(sends(&place, "out"));
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        CHECK_GETS(&place, ways[i], 200, "introspection");
    CHECK_GETS(&place, "wrong", 503, "introspection");
    end(&place);
}

TEST(tokens_bound_by_dpop_are_shown_with_their_proof)
{
    static const char instances[] =
        "in = { " WHO "audience = \"https://es256.test/\"; dpop = \"required\"; };\n"
        "out = { " WHO "client_id = \"dpop\"; client_secret = \"the-secret-of-dpop\"; "
        "resource = \"https://es256.test/\"; dpop = \"required\"; };\n";
    struct place place;

    REQUIRE(begin(&place, "{}", instances, IN(in) SEND(out)));
    CHECK(sends(&place, "out"));
    CHECK(place.proof[0] != '\0');
    CHECK_GETS(&place, "in", 200, "jwt dpop");
    CHECK_GETS(&place, "in", 401, "invalid_dpop_proof"); /* a second time */
    CHECK(sends(&place, "out"));
    CHECK_GETS(&place, "in", 200, "jwt dpop");
    CHECK(sends(&place, "out"));
    place.proof[0] = '\0';
    CHECK_GETS(&place, "in", 401, "invalid_dpop_proof");
    end(&place);
}

static X509 *certificate_of(const struct place *place, const char *name)
{
    char path[HOST_PATH_MAX + 16];
    X509 *certificate = NULL;
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", place->host.folder, name);
    file = fopen(path, "r");
    if (file == NULL)
        return NULL;
    certificate = PEM_read_X509(file, NULL, NULL, NULL);
    (void)fclose(file);
    return certificate;
}

TEST(tokens_bound_by_certificate_go_out_with_it_and_are_taken_with_no_other)
{
    static const char instances[] =
        "in = { " WHO "audience = \"https://rs256.test/\"; certificate_bound = true; };\n"
        "out = { " WHO
        "client_id = \"mtls\"; client_auth = \"tls_client_auth\"; client_key = { key = "
        "\"file:mtls.key\"; certificate = \"mtls.crt\"; }; resource = \"https://rs256.test/\"; "
        "certificate_bound = true; };\n";
    struct place place;
    X509 *own;

    REQUIRE(begin(&place, "{\"mtls\":\"main\"}", instances, IN(in) SEND(out)));
    CHECK(sends(&place, "out"));
    REQUIRE(place.certificate != NULL);
    CHECK_GETS(&place, "in", 200, "jwt mtls");
    own = place.certificate;
    place.certificate = certificate_of(&place, "ca.crt");
    CHECK_GETS(&place, "in", 401, "certificate");
    X509_free(place.certificate);
    place.certificate = NULL;
    CHECK_GETS(&place, "in", 401, "certificate");
    place.certificate = own;
    CHECK_GETS(&place, "in", 200, "jwt mtls");
    end(&place);
}
