/* SPDX-License-Identifier: MIT */
/* A test plugin that believes whatever a certificate says: subject is the common name of the peer's leaf, client_id the
 * number of its certificates. Installed nowhere. */
#include <openssl/x509.h>
#include <paa/plugin.h>

static enum paa_result verify(struct paa_op *op)
{
    struct paa_bytes leaf = op->host->request->peer_certificate(op, 0);
    const unsigned char *at = leaf.data;
    X509 *cert = leaf.data != NULL ? d2i_X509(NULL, &at, (long)leaf.size) : NULL;
    struct paa_principal who;
    char name[256] = "", count[16];
    size_t number = 0;

    if (cert == NULL)
        return PAA_ABSENT;
    (void)X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name, sizeof name);
    X509_free(cert);
    while (op->host->request->peer_certificate(op, number).data != NULL)
        number++;
    (void)snprintf(count, sizeof count, "%zu", number);
    paa_init(&who, sizeof who);
    who.subject = paa_str_of(name);
    who.client_id = paa_str_of(count);
    (void)op->host->outcome->principal(op, &who);
    return PAA_ACCEPT;
}

static const struct paa_plugin plugin = {
    .abi = PAA_ABI,
    .struct_size = sizeof plugin,
    .name = "peer-name",
    .version = "1.0",
    .summary = "believes whatever a certificate says, for tests",
    .verify = verify,
};

PAA_PLUGIN(peer_name, plugin);
