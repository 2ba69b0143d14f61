/*
 * paa/host/keys.h: secrets, files and private keys, as the policy's options name them. The core
 * reads, watches and unlocks them; plugins open no file.
 */
#ifndef PAA_HOST_KEYS_H
#define PAA_HOST_KEYS_H

#include <paa/types.h>

PAA_BEGIN_DECLS

struct paa_op;
struct paa_source; /* bytes named by a SECRET or PATH option; re-read when they change */
struct paa_key;    /* a private key, with certificates if it has any; never shown as bytes */

struct paa_host_sources {
    uint32_t struct_size;
    uint32_t flags;
    /* The bytes as they are now, the same for the whole operation. Of a directory or PAA_ALL: one
     * part per file, in order of name; absent past the last. The newline that ends a secret is
     * gone. A source of NULL, or one that was never readable: absent. To parse one once: a memo. */
    struct paa_bytes (*read)(struct paa_op *op, const struct paa_source *source, size_t part);
    /* Grows with each change. */
    uint64_t (*version)(struct paa_op *op, const struct paa_source *source);
    /* A key of the instance's own, at most 255 bytes, from the context's master secret. In 1.0 that
     * secret is drawn when the context opens: the same in every process forked from it, another one
     * after a restart and on other machines. age 0: the current one; 1: the one before the last
     * rotation (NONE: there was none). */
    enum paa_status (*derive)(struct paa_op *op, const char *label, uint32_t age, void *ret_key,
                              size_t size);
};

struct paa_key_info { /* until the operation ends */
    uint32_t struct_size;
    uint32_t flags;
    int64_t expires_at_s;          /* of the leaf; 0 without certificates */
    uint64_t version;              /* changes when the material does */
    struct paa_bytes public_key;   /* SubjectPublicKeyInfo, DER */
    const struct paa_bytes *chain; /* DER, leaf first */
    size_t chain_count;
    struct paa_str key_id;         /* from the policy; absent if not given */
};

struct paa_key_material {
    uint32_t struct_size;
    uint32_t flags;
    struct paa_bytes private_key; /* PKCS#8, DER or PEM, or a provider's URI */
    struct paa_bytes chain;       /* PEM; absent: none */
};

/* OK, UNAVAILABLE (the key cannot be read yet, the workers are busy, a token does not answer),
 * UNSUPPORTED (algorithm, or not this key's), INVALID (no key, over 64 KiB). signature: until the
 * operation ends. */
typedef enum paa_result (*paa_sign_fn)(struct paa_op *op, enum paa_status status,
                                       struct paa_bytes signature, void *context) PAA_NOEXCEPT;

struct paa_host_keys {
    uint32_t struct_size;
    uint32_t flags;
    /* Fills *ret_info, which paa_init prepared. The same for the whole operation, and what sign
     * signs with: files that rotate are seen by the next one. OK, UNAVAILABLE, INVALID. */
    enum paa_status (*info)(struct paa_op *op, const struct paa_key *key,
                            struct paa_key_info *ret_info);
    /* Waiting; the key may sit in a token. algorithm and signature as in JOSE ("ES256": r || s):
     * RS, PS and ES with 256, 384 and 512; EdDSA and Ed25519. The message is digested as the
     * algorithm says. What is quick is at hand at once; the rest goes to a worker. */
    enum paa_result (*sign)(struct paa_op *op, const struct paa_key *key, struct paa_str algorithm,
                            struct paa_bytes message, paa_sign_fn then, void *context);
    /* Material made or fetched at run time: the one handle that a plugin releases, anywhere, but
     * while no call that was given it is under way. A fresh key is made with libcrypto where slow
     * work may be done (a producer: EVP_EC_gen, then i2d_PKCS8PrivateKey_bio). It is judged as a
     * key of the policy is. OK, UNSUPPORTED (kind or size), INVALID, UNAVAILABLE; then host->fail
     * with an absent sentence says why. */
    enum paa_status (*import)(struct paa_op *op, const struct paa_key_material *material,
                              struct paa_key **ret_key);
    void (*release)(struct paa_key *key);
};

PAA_END_DECLS

#endif
