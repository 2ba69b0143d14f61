/* SPDX-License-Identifier: MIT */
#include "proxy.h"

#include "str.h"

#define UNIX_PREFIX     "unix:"
#define INSTANCE_PREFIX "instance:"

const char *proxy_parse(struct paa_str text, struct proxy *ret_proxy)
{
    struct proxy proxy = { .kind = PROXY_NETWORK };
    const char *why = NULL;

    if (str_starts(text, STR(UNIX_PREFIX))) {
        proxy.kind = PROXY_UNIX;
        if (text.size > sizeof UNIX_PREFIX - 1)
            why = "names the other end of a Unix socket, which names itself as it likes: say "
                  "\"unix:\", and let only the proxy connect there";
    } else if (str_starts(text, STR(INSTANCE_PREFIX))) {
        proxy.kind = PROXY_INSTANCE;
        proxy.text = str_slice(text, sizeof INSTANCE_PREFIX - 1, text.size);
        why = proxy.text.size == 0 ? "names no instance behind \"instance:\"" : NULL;
    } else if (pin_parse(text, &proxy.pin)) {
        proxy.kind = PROXY_PIN;
    } else if (network_parse(text, &proxy.network) != NULL) {
        why = "is no address, network (192.0.2.0/24, without host bits), \"unix:\", "
              "\"instance:NAME\" or pin";
    }
    if (why == NULL)
        *ret_proxy = proxy;
    return why;
}

bool proxy_has_address(const struct proxy *proxy, struct paa_str address)
{
    if (address.data == NULL)
        return false;
    if (proxy->kind == PROXY_NETWORK)
        return network_has(&proxy->network, address);
    return proxy->kind == PROXY_UNIX && str_starts(address, STR(UNIX_PREFIX));
}
