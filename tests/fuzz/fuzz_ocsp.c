/* SPDX-License-Identifier: MIT */
/* OCSP: two bytes of size, a question of that size, then a response. Read, asked, believed or not; libcrypto's errors stay
 * inside. */
#include "fuzz.h"
#include "ocsp.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

enum { NOW_S = 1767225600 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ocsp_parts parts;
    struct ocsp_said said;
    unsigned char *body;
    size_t question;

    if (size < 2 || (question = (size_t)data[0] << 8 | data[1]) > size - 2 ||
        !ocsp_question_read(paa_bytes_of(data + 2, question), &parts))
        return 0;
    HOLDS(parts.id.size + parts.issuer.size + parts.url.size < question);
    if (ocsp_request(&parts, &body) > 0)
        OPENSSL_free(body);
    if (ocsp_response_read(paa_bytes_of(data + 2 + question, size - 2 - question), &parts, NOW_S,
                           &said) == NULL)
        HOLDS((said.answer == OCSP_IS_GOOD || said.answer == OCSP_IS_REVOKED) &&
              said.until_s > NOW_S);
    HOLDS(ERR_peek_error() == 0);
    return 0;
}
