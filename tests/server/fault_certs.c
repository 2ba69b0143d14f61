/* SPDX-License-Identifier: MIT */
/* Keys and certificates of the fault server, made anew in each run. Knows no socket. */
#include "fault_certs.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DAY_S = 86400, CLIENTS_MAX = 16, PATH_SIZE = 160 };

struct certified { /* a certificate with its key */
    EVP_PKEY *key;
    X509 *certificate;
};

static struct {
    unsigned users;
    struct certified ca, other_ca;
    char folder[64];
    char ca_file[PATH_SIZE], other_ca_file[PATH_SIZE];
    char files[2 * CLIENTS_MAX][PATH_SIZE];
    unsigned file_count;
} certs;

static void need(bool is_done, const char *what)
{
    if (is_done)
        return;
    fprintf(stderr, "the fault server cannot work: %s\n", what);
    abort();
}

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;

    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    need(extension != NULL && X509_add_ext(certificate, extension, -1) == 1, value);
    X509_EXTENSION_free(extension);
}

/* signer NULL: by itself. */
static struct certified make(const char *name, const char *alternatives, const char *constraints,
                             const struct certified *signer, long from_s, long until_s)
{
    static long serial = 1;
    struct certified made = { EVP_EC_gen("P-256"), X509_new() };
    X509_NAME *subject;

    if (signer == NULL)
        signer = &made;
    need(made.key != NULL && made.certificate != NULL, "EC key");
    subject = X509_get_subject_name(made.certificate);
    need(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1,
                                    -1, 0) == 1,
         name);
    X509_set_version(made.certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), serial++);
    X509_gmtime_adj(X509_getm_notBefore(made.certificate), from_s);
    X509_gmtime_adj(X509_getm_notAfter(made.certificate), until_s);
    X509_set_issuer_name(made.certificate, X509_get_subject_name(signer->certificate));
    X509_set_pubkey(made.certificate, made.key);
    add_extension(made.certificate, signer->certificate, NID_basic_constraints, constraints);
    if (alternatives != NULL)
        add_extension(made.certificate, signer->certificate, NID_subject_alt_name, alternatives);
    need(X509_sign(made.certificate, signer->key, EVP_sha256()) > 0, "signing");
    return made;
}

static void discard(struct certified *certified)
{
    EVP_PKEY_free(certified->key);
    X509_free(certified->certificate);
    *certified = (struct certified){ NULL, NULL };
}

static void write_pem(const char *path, const struct certified *certified, bool is_key)
{
    FILE *file = fopen(path, "w");
    int done;

    need(file != NULL && fchmod(fileno(file), 0600) == 0, path);
    done = is_key ? PEM_write_PrivateKey(file, certified->key, NULL, NULL, 0, NULL, NULL)
                  : PEM_write_X509(file, certified->certificate);
    need(done == 1 && fclose(file) == 0, path);
}

static void make_ca(const char *name, struct certified *ca, const char *file,
                    char ret_path[PATH_SIZE])
{
    *ca = make(name, NULL, "critical,CA:TRUE", NULL, -DAY_S, DAY_S);
    (void)snprintf(ret_path, PATH_SIZE, "%s/%s", certs.folder, file);
    write_pem(ret_path, ca, false);
}

void fault_certs_begin(void)
{
    if (certs.users++ > 0)
        return;
    (void)snprintf(certs.folder, sizeof certs.folder, "/tmp/paa-fault-XXXXXX");
    need(mkdtemp(certs.folder) != NULL, "no folder can be made");
    make_ca("Fault CA", &certs.ca, "ca.pem", certs.ca_file);
    make_ca("Other CA", &certs.other_ca, "other-ca.pem", certs.other_ca_file);
}

void fault_certs_end(void)
{
    if (--certs.users > 0)
        return;
    for (unsigned i = 0; i < certs.file_count; i++)
        (void)unlink(certs.files[i]);
    certs.file_count = 0;
    (void)unlink(certs.ca_file);
    (void)unlink(certs.other_ca_file);
    (void)rmdir(certs.folder);
    discard(&certs.ca);
    discard(&certs.other_ca);
}

const char *fault_server_ca(void)
{
    return certs.ca_file;
}

const char *fault_server_other_ca(void)
{
    return certs.other_ca_file;
}

const char *fault_server_folder(void)
{
    return certs.folder;
}

static void make_client(const char *name, const struct certified *signer)
{
    struct certified client = make(name, NULL, "CA:FALSE", signer, -DAY_S, DAY_S);

    need(certs.file_count + 2 <= 2 * CLIENTS_MAX, "too many client certificates");
    for (int is_key = 0; is_key <= 1; is_key++) {
        char *path = certs.files[certs.file_count++];

        (void)snprintf(path, PATH_SIZE, "%s/%s.%s", certs.folder, name, is_key ? "key" : "pem");
        write_pem(path, &client, is_key);
    }
    discard(&client);
}

void fault_server_make_client(const char *name)
{
    make_client(name, &certs.ca);
}

void fault_server_make_stranger(const char *name)
{
    make_client(name, NULL);
}

static struct certified make_server(enum fault_tls tls)
{
    static const char here[] = "DNS:localhost,IP:127.0.0.1,IP:::1";
    const struct certified *signer = &certs.ca;

    if (tls == FAULT_TLS_SELF_SIGNED || tls == FAULT_TLS_OTHER_CA)
        signer = tls == FAULT_TLS_OTHER_CA ? &certs.other_ca : NULL;
    if (tls == FAULT_TLS_EXPIRED)
        return make("expired", here, "CA:FALSE", signer, -10 * DAY_S, -DAY_S);
    if (tls == FAULT_TLS_WRONG_NAME)
        return make("elsewhere", "DNS:elsewhere.example", "CA:FALSE", signer, -DAY_S, DAY_S);
    return make("here", here, "CA:FALSE", signer, -DAY_S, DAY_S);
}

SSL_CTX *fault_certs_context(enum fault_tls tls)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    struct certified server = make_server(tls);

    need(context != NULL && SSL_CTX_use_certificate(context, server.certificate) == 1 &&
             SSL_CTX_use_PrivateKey(context, server.key) == 1,
         "TLS");
    if (tls == FAULT_TLS_OLD) { /* below what OpenSSL's own default allows */
        SSL_CTX_set_security_level(context, 0);
        SSL_CTX_set_min_proto_version(context, TLS1_1_VERSION);
        SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
    }
    if (tls == FAULT_TLS_1_2)
        SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    if (tls == FAULT_TLS_CLIENT || tls == FAULT_TLS_ASKS) {
        SSL_CTX_set_verify(context,
                           SSL_VERIFY_PEER |
                               (tls == FAULT_TLS_CLIENT ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                           NULL);
        need(X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certs.ca.certificate) == 1, "CA");
    }
    discard(&server);
    return context;
}
