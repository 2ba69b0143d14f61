/* SPDX-License-Identifier: MIT */
/* Hundreds of chains with one defect: each kind, in each certificate, at each depth, with each kind of key. */
#include "staged.h"

struct defect {
    const char *name;
    spoil_fn *spoil;
    const char *as_leaf; /* what comes of it there; NULL: it is none there */
    const char *as_ca;
};

static void expired(struct recipe *recipe)
{
    recipe->from_s = -10 * ISSUED_DAY_S;
    recipe->until_s = -1;
}

static void not_yet(struct recipe *recipe)
{
    recipe->from_s = 1;
}

static void ends_now(struct recipe *recipe)
{
    recipe->until_s = -2;
}

static void broken(struct recipe *recipe)
{
    recipe->is_signature_broken = true;
}

static void nobody(struct recipe *recipe)
{
    recipe->is_signed_by_nobody = true;
}

static void critical(struct recipe *recipe)
{
    recipe->has_unknown_critical = true;
}

static void server_only(struct recipe *recipe)
{
    recipe->extended = "serverAuth";
}

static void signs_code(struct recipe *recipe)
{
    recipe->extended = "codeSigning,emailProtection";
}

static void no_signatures(struct recipe *recipe)
{
    recipe->usage = "critical,keyEncipherment";
}

static void short_rsa(struct recipe *recipe)
{
    recipe->key = "RSA:1024";
}

static void odd_curve(struct recipe *recipe)
{
    recipe->key = "secp256k1";
}

static void small_curve(struct recipe *recipe)
{
    recipe->key = "P-224";
}

static void everybodys_key(struct recipe *recipe)
{
    recipe->key = "RSA-E1";
}

static void is_ca(struct recipe *recipe)
{
    recipe->basic = "critical,CA:TRUE";
    recipe->usage = "critical,keyCertSign,digitalSignature";
}

static void is_no_ca(struct recipe *recipe)
{
    recipe->basic = "critical,CA:FALSE";
}

static void says_nothing(struct recipe *recipe)
{
    recipe->basic = "";
    recipe->usage = "";
}

static void may_not_sign(struct recipe *recipe)
{
    recipe->usage = "critical,cRLSign";
}

static void is_v1(struct recipe *recipe)
{
    recipe->is_v1 = true;
}

static void other_names(struct recipe *recipe)
{
    recipe->constraints = "critical,permitted;DNS:elsewhere.example";
}

static void no_such_names(struct recipe *recipe)
{
    recipe->constraints = "critical,excluded;DNS:example.com";
}

static const struct defect defects[] = {
    { "expired", expired, "expired", "expired" },
    { "ended two seconds ago", ends_now, "expired", "expired" },
    { "not yet valid", not_yet, "not-yet-valid", "not-yet-valid" },
    { "broken signature", broken, "signature", "signature" },
    { "signed by another key", nobody, "signature", "signature" },
    { "unknown critical extension", critical, "critical", "critical" },
    { "for servers only", server_only, "purpose", "purpose" },
    { "for code and mail only", signs_code, "purpose", "purpose" },
    { "may not sign", no_signatures, "purpose", "no-ca" },
    { "RSA of 1024 bits", short_rsa, "weak-key", "weak-key" },
    { "a curve of coins", odd_curve, "weak-key", "weak-key" },
    { "P-224", small_curve, "weak-key", "weak-key" },
    { "e = 1", everybodys_key, "weak-key", "weak-key" },
    { "a CA", is_ca, "ca-as-leaf", NULL },
    { "no CA", is_no_ca, NULL, "no-ca" },
    { "neither", says_nothing, NULL, "no-ca" },
    { "may sign no certificates", may_not_sign, NULL, "no-ca" },
    { "X.509 version 1", is_v1, NULL, "no-ca" },
    { "may vouch for other names", other_names, NULL, "name-constraints" },
    { "may not vouch for this name", no_such_names, NULL, "name-constraints" },
};

enum { DEFECTS = sizeof defects / sizeof defects[0] };

static void try_at(const char *key, size_t depth, const struct defect *defect, size_t place)
{
    const char *expected = place == depth + 1 ? defect->as_leaf : defect->as_ca;
    struct stage stage = { .count = 0 };
    const char *reason;

    if (expected == NULL)
        return;
    stage_spoiled(&stage, key, depth, defect->spoil, place);
    reason = reason_of(&stage);
    if (strcmp(reason, expected) != 0)
        TEST_FAIL("%s, depth %zu, place %zu, %s: %s, not %s", key, depth, place, defect->name,
                  reason, expected);
    stage_done(&stage);
}

static void try_all(const char *key)
{
    for (size_t depth = 0; depth < DEPTHS; depth++)
        for (size_t place = 1; place <= depth + 1; place++)
            for (size_t i = 0; i < DEFECTS; i++)
                try_at(key, depth, &defects[i], place);
}

TEST(each_defect_of_each_certificate_in_ec_chains_is_found_and_named)
{
    try_all("P-256");
}

TEST(each_defect_of_each_certificate_in_eddsa_chains_is_found_and_named)
{
    try_all("ED25519");
}

TEST(each_defect_of_each_certificate_in_rsa_chains_is_found_and_named)
{
    try_all("RSA:2048");
}

TEST(chains_without_a_defect_are_good)
{
    static const char *const keys[] = { "P-256", "P-384", "P-521", "ED25519", "ED448", "RSA:2048" };

    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++)
        for (size_t depth = 0; depth <= DEPTHS; depth++) {
            struct stage stage = { .count = 0 };

            stage_good(&stage, keys[k], depth);
            CHECK_STR(paa_str_of(reason_of(&stage)), "good");
            stage_done(&stage);
        }
}
