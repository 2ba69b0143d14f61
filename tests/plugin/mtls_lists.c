/* SPDX-License-Identifier: MIT */
/* Revocation lists: what is taken for one, and what it says (plugins/mtls/crl.h). */
#include "cert_chain.h"
#include "crl.h"
#include "issued.h"
#include "test.h"

#include <openssl/err.h>
#include <openssl/pem.h>

struct world {
    struct issued *ca;
    struct issued *client;
    struct issued *other;
};

static const struct world *world(void)
{
    static struct world made;

    if (made.ca == NULL) {
        made.ca = issue_ca("CA", NULL);
        made.client = issue_client("robot", made.ca);
        made.other = issue_client("other", made.ca);
    }
    return &made;
}

static struct crl_set *set_of(const struct list_recipe *recipe, const struct issued *issuer,
                              char why[CRL_WHY_SIZE])
{
    struct paa_bytes der = issue_list(recipe, issuer);
    struct crl_set *set;

    why[0] = '\0';
    ERR_clear_error(); /* of the making */
    set = crl_set_read(&der, 1, "crl", why);
    CHECK_INT(ERR_peek_error(), 0);
    OPENSSL_free((void *)(uintptr_t)der.data);
    return set;
}

static enum crl_answer asked(const struct crl_set *set, const struct issued *certificate)
{
    const struct crl_set *const sets[] = { NULL, set };

    return crl_ask(sets, 2, certificate->x509, world()->ca->x509, ISSUED_NOW_S).answer;
}

TEST(a_list_names_whom_it_revokes_and_nobody_else)
{
    const struct issued *const revoked[] = { world()->client };
    struct list_recipe recipe = { .revoked = revoked, .count = 1, .more = 1000 };
    char why[CRL_WHY_SIZE];
    struct crl_set *set = set_of(&recipe, world()->ca, why);

    REQUIRE(set != NULL);
    CHECK_INT(crl_set_entries(set), 1001);
    CHECK_INT(asked(set, world()->client), CRL_REVOKED);
    CHECK_INT(asked(set, world()->other), CRL_GOOD);
    CHECK_INT(asked(set, world()->other), CRL_GOOD); /* its signature is known by now */
    CHECK_INT(crl_set_until_s(set), ISSUED_NOW_S + ISSUED_DAY_S);
    crl_set_free(set);
}

TEST(an_empty_list_revokes_nobody)
{
    struct list_recipe recipe = { .count = 0 };
    char why[CRL_WHY_SIZE];
    struct crl_set *set = set_of(&recipe, world()->ca, why);

    REQUIRE(set != NULL);
    CHECK_INT(asked(set, world()->client), CRL_GOOD);
    crl_set_free(set);
}

TEST(a_list_that_its_issuer_did_not_sign_says_nothing)
{
    const struct issued *const revoked[] = { world()->client };
    struct list_recipe recipe = { .revoked = revoked, .count = 1, .is_signed_by_nobody = true };
    char why[CRL_WHY_SIZE];
    struct crl_set *set = set_of(&recipe, world()->ca, why);
    const struct crl_set *sets[] = { set };
    struct crl_said said;

    REQUIRE(set != NULL);
    said = crl_ask(sets, 1, world()->client->x509, world()->ca->x509, ISSUED_NOW_S);
    CHECK_INT(said.answer, CRL_NONE);
    CHECK_HAS(said.why, "signature");
    crl_set_free(set);
}

TEST(a_list_of_another_ca_says_nothing)
{
    struct issued *other = issue_ca("other CA", NULL), *twin = issue_ca("CA", NULL);
    struct list_recipe recipe = { .more = 1 };
    char why[CRL_WHY_SIZE];
    struct crl_set *set = set_of(&recipe, other, why), *again = set_of(&recipe, twin, why);

    CHECK_INT(asked(set, world()->client), CRL_NONE);
    CHECK_INT(asked(again, world()->client), CRL_NONE);
    crl_set_free(set);
    crl_set_free(again);
    issued_free(other);
    issued_free(twin);
}

TEST(a_list_from_a_ca_that_may_not_sign_lists_says_nothing)
{
    struct recipe mute = { .name = "mute", .basic = "critical,CA:TRUE", .usage = "keyCertSign" };
    struct issued *ca = issue(&mute, NULL), *client = issue_client("robot", ca);
    struct list_recipe recipe = { .more = 1 };
    char why[CRL_WHY_SIZE];
    struct crl_set *set = set_of(&recipe, ca, why);
    const struct crl_set *sets[] = { set };

    CHECK_INT(crl_ask(sets, 1, client->x509, ca->x509, ISSUED_NOW_S).answer, CRL_NONE);
    crl_set_free(set);
    issued_free(ca);
    issued_free(client);
}

TEST(an_old_list_is_old_but_for_whom_it_names)
{
    const struct issued *const revoked[] = { world()->client };
    struct list_recipe old = { .revoked = revoked, .count = 1, .from_s = -7200, .until_s = -1 };
    struct list_recipe early = { .revoked = revoked, .count = 1, .from_s = 3600, .until_s = 7200 };
    char why[CRL_WHY_SIZE];
    struct crl_set *set = set_of(&old, world()->ca, why),
                   *future = set_of(&early, world()->ca, why);

    CHECK_INT(asked(set, world()->client), CRL_REVOKED);
    CHECK_INT(asked(set, world()->other), CRL_OLD);
    CHECK_INT(asked(future, world()->other), CRL_OLD);
    crl_set_free(set);
    crl_set_free(future);
}

TEST(of_two_lists_the_newer_one_counts)
{
    const struct issued *const revoked[] = { world()->client };
    struct list_recipe before = { .revoked = revoked, .count = 1, .from_s = -7200 };
    struct list_recipe after = { .more = 1, .from_s = -60 };
    char why[CRL_WHY_SIZE];
    struct crl_set *first = set_of(&before, world()->ca, why);
    struct crl_set *second = set_of(&after, world()->ca, why);

    for (int i = 0; i < 2; i++) {
        const struct crl_set *const sets[] = { i == 0 ? first : second, i == 0 ? second : first };

        CHECK_INT(crl_ask(sets, 2, world()->client->x509, world()->ca->x509, ISSUED_NOW_S).answer,
                  CRL_GOOD);
    }
    crl_set_free(first);
    crl_set_free(second);
}

TEST(a_list_about_cas_says_nothing_of_users)
{
    struct issued *middle = issue_ca("middle", world()->ca);
    const struct issued *const revoked[] = { world()->client, middle };
    struct list_recipe recipe = { .revoked = revoked, .count = 2, .scope = "critical,onlyCA:TRUE" };
    char why[CRL_WHY_SIZE];
    struct crl_set *cas = set_of(&recipe, world()->ca, why), *users;

    recipe.scope = "critical,onlyuser:TRUE";
    users = set_of(&recipe, world()->ca, why);
    CHECK_INT(asked(cas, world()->client), CRL_NONE);
    CHECK_INT(asked(cas, middle), CRL_REVOKED);
    CHECK_INT(asked(users, world()->client), CRL_REVOKED);
    CHECK_INT(asked(users, middle), CRL_NONE);
    crl_set_free(cas);
    crl_set_free(users);
    issued_free(middle);
}

TEST(lists_that_leave_something_out_are_refused_when_they_are_read)
{
    static const struct {
        struct list_recipe recipe;
        const char *why;
    } cases[] = {
        { { .is_delta = true }, "delta" },
        { { .scope = "critical,indirectCRL:TRUE" }, "indirect" },
        { { .scope = "critical,onlyAA:TRUE" }, "indirect" },
        { { .scope = "critical,onlysomereasons:keyCompromise" }, "some reasons" },
        { { .scope = "critical,fullname:URI:http://crl.example.com/1.crl" }, "partitioned" },
        { { .digest = "SHA1" }, "another digest" },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char why[CRL_WHY_SIZE];
        struct crl_set *set = set_of(&cases[i].recipe, world()->ca, why);

        CHECK(set == NULL);
        CHECK_HAS(why, cases[i].why);
        crl_set_free(set);
    }
}

/* RSASSA-PSS names its digest in its parameters; SHA-1 by leaving it out. */
TEST(a_list_whose_pss_digest_is_weak_is_refused_when_it_is_read)
{
    static const char *const weak[] = { "PSS:SHA1", "PSS:SHA224" };
    struct recipe rsa = { .name = "CA", .basic = "critical,CA:TRUE", .key = "RSA:2048" };
    struct issued *ca = issue(&rsa, NULL), *client = issue_client("robot", ca);
    struct list_recipe recipe = { .digest = "PSS:SHA256" };
    char why[CRL_WHY_SIZE];
    struct crl_set *set = set_of(&recipe, ca, why);
    const struct crl_set *sets[] = { set };

    REQUIRE(set != NULL);
    CHECK_INT(crl_ask(sets, 1, client->x509, ca->x509, ISSUED_NOW_S).answer, CRL_GOOD);
    crl_set_free(set);
    for (size_t i = 0; i < sizeof weak / sizeof weak[0]; i++) {
        recipe.digest = weak[i];
        set = set_of(&recipe, ca, why);
        CHECK(set == NULL);
        CHECK_HAS(why, "another digest");
        crl_set_free(set);
    }
    issued_free(ca);
    issued_free(client);
}

static struct crl_set *read_text(const char *text, char why[CRL_WHY_SIZE])
{
    struct paa_bytes part = paa_bytes_of(text, strlen(text));

    why[0] = '\0';
    return crl_set_read(&part, 1, "crl", why);
}

TEST(what_is_no_list_is_refused_in_a_sentence)
{
    char why[CRL_WHY_SIZE], pem[ISSUED_PEM_MAX] = "";

    CHECK(read_text("", why) == NULL);
    CHECK_HAS(why, "empty");
    CHECK(read_text("nothing", why) == NULL);
    CHECK_HAS(why, "no revocation list");
    CHECK(read_text("0\x82\xff\xff", why) == NULL);
    CHECK_HAS(why, "cannot be read");
    CHECK(read_text("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", why) == NULL);
    CHECK_HAS(why, "cannot be read");
    issued_pem(world()->ca, pem);
    CHECK(read_text(pem, why) == NULL);
    CHECK_HAS(why, "no revocation list");
    CHECK(crl_set_read(NULL, 0, "crl", why) == NULL);
    CHECK_INT(ERR_peek_error(), 0);
}

TEST(a_file_may_hold_several_lists_in_pem)
{
    const struct issued *const revoked[] = { world()->client };
    struct list_recipe recipe = { .revoked = revoked, .count = 1 };
    struct issued *other = issue_ca("other CA", NULL);
    struct paa_bytes ders[] = { issue_list(&recipe, world()->ca), issue_list(&recipe, other) };
    BIO *out = BIO_new(BIO_s_mem());
    struct crl_set *set;
    struct paa_bytes part;
    char why[CRL_WHY_SIZE], *data;

    for (size_t i = 0; i < 2; i++) {
        const unsigned char *at = ders[i].data;
        X509_CRL *list = d2i_X509_CRL(NULL, &at, (long)ders[i].size);

        CHECK(PEM_write_bio_X509_CRL(out, list) == 1);
        X509_CRL_free(list);
        OPENSSL_free((void *)(uintptr_t)ders[i].data);
    }
    part.size = (size_t)BIO_get_mem_data(out, &data);
    part.data = (unsigned char *)data;
    set = crl_set_read(&part, 1, "crl", why);
    REQUIRE(set != NULL);
    CHECK_INT(crl_set_entries(set), 2);
    CHECK_INT(asked(set, world()->client), CRL_REVOKED);
    CHECK_INT(asked(set, world()->other), CRL_GOOD);
    crl_set_free(set);
    BIO_free(out);
    issued_free(other);
}

/* ---- lists in place of others --------------------------------------------------------------------- */

static const char *replaced(const struct crl_set *set, const struct crl_set *previous)
{
    STACK_OF(X509) *known = sk_X509_new_null();
    const char *why;

    CHECK(sk_X509_push(known, world()->ca->x509) > 0);
    why = crl_set_may_replace(set, previous, (const STACK_OF(X509) *const *)&known, 1);
    sk_X509_free(known);
    return why != NULL ? why : "";
}

TEST(a_list_about_fewer_certificates_does_not_take_the_place_of_one_about_all)
{
    struct list_recipe all = { .more = 1 };
    struct list_recipe users = { .scope = "critical,onlyuser:TRUE", .from_s = -60 };
    struct list_recipe cas = { .scope = "critical,onlyCA:TRUE", .from_s = -60 };
    const struct list_recipe *const two[] = { &users, &cas };
    struct paa_bytes parts[2];
    struct crl_set *before, *after, *both;
    char why[CRL_WHY_SIZE];

    for (size_t i = 0; i < 2; i++)
        parts[i] = issue_list(two[i], world()->ca);
    before = set_of(&all, world()->ca, why);
    after = set_of(&users, world()->ca, why);
    both = crl_set_read(parts, 2, "crl", why);
    REQUIRE(before != NULL && after != NULL && both != NULL);
    CHECK_HAS(replaced(after, before), "has no list of an issuer");
    CHECK_STR(paa_str_of(replaced(both, before)), "");
    CHECK_STR(paa_str_of(replaced(after, NULL)), "");
    CHECK_HAS(replaced(before, both), "older");
    crl_set_free(before);
    crl_set_free(after);
    crl_set_free(both);
    for (size_t i = 0; i < 2; i++)
        OPENSSL_free((void *)(uintptr_t)parts[i].data);
}

/* ---- in chains ----------------------------------------------------------------------------------- */

/* root, middle, robot: which of the two below the root is revoked, and of whom there is a list. */
static const char *chain_reason(enum revocation mode, bool has_root_list, bool has_middle_list,
                                bool is_middle_revoked, bool is_leaf_revoked)
{
    static struct cert_chain_finding finding;
    struct issued *root = issue_ca("root", NULL), *middle = issue_ca("middle", root);
    struct issued *leaf = issue_client("robot", middle);
    const struct issued *const by_root[] = { middle }, *const by_middle[] = { leaf };
    struct list_recipe root_list = { .revoked = by_root, .count = is_middle_revoked };
    struct list_recipe middle_list = { .revoked = by_middle, .count = is_leaf_revoked };
    char why[ANCHORS_WHY_SIZE], pem[ISSUED_PEM_MAX] = "";
    struct paa_bytes part, ders[] = { issued_der(leaf), issued_der(middle) };
    struct crl_set *lists[] = { has_root_list ? set_of(&root_list, root, why) : NULL,
                                has_middle_list ? set_of(&middle_list, middle, why) : NULL };
    struct cert_chain_rules rules = { .depth = 2, .revocation = mode };
    struct cert_chain_input input = {
        .rules = &rules, .crls = { lists[0], lists[1] }, .crl_count = 2, .now_s = ISSUED_NOW_S
    };
    struct presented presented = { .count = 0 };
    struct cert_chain_result result;

    issued_pem(root, pem);
    part = paa_bytes_of(pem, strlen(pem));
    input.anchors = anchors_read(&part, 1, "trust", why);
    (void)presented_add(&presented, ders[0]);
    (void)presented_add(&presented, ders[1]);
    finding = cert_chain_verify(&presented, &input, &result);
    cert_chain_done(&result);
    anchors_free((struct anchors *)(uintptr_t)input.anchors);
    for (size_t i = 0; i < 2; i++) {
        crl_set_free(lists[i]);
        OPENSSL_free((void *)(uintptr_t)ders[i].data);
    }
    issued_free(root);
    issued_free(middle);
    issued_free(leaf);
    return finding.verdict == CERT_CHAIN_GOOD ? "good" : finding.reason;
}

TEST(every_certificate_below_the_anchor_must_be_on_nobodys_list)
{
    for (int bits = 0; bits < 16; bits++) {
        bool root_list = bits & 1, middle_list = bits & 2, middle = bits & 4, leaf = bits & 8;
        bool is_revoked = (root_list && middle) || (middle_list && leaf);
        bool is_known = root_list && middle_list;

        CHECK_STR(paa_str_of(chain_reason(REVOCATION_HARD, root_list, middle_list, middle, leaf)),
                  is_revoked ? "revoked"
                  : is_known ? "good"
                             : "revocation");
        CHECK_STR(paa_str_of(chain_reason(REVOCATION_SOFT, root_list, middle_list, middle, leaf)),
                  is_revoked ? "revoked" : "good");
        CHECK_STR(paa_str_of(chain_reason(REVOCATION_OFF, root_list, middle_list, middle, leaf)),
                  "good");
    }
}
