// Microsoft's serialized certificate store (.sst), as CertSaveStore, certmgr.msc and certutil write
// it. Format: [MS-OSHARED] 2.3.9.1 and 2.3.2.5; numbers of elements: wincrypt.h.
#pragma once

#include <vector>

#include "handshake/base/bytes.h"
#include "handshake/base/error.h"

namespace handset::crypto {

// By the first eight octets.
bool is_serialized_store(ByteView octets);

// DER certificates in the order of the store; there may be none. Properties (friendly names,
// purposes), revocation lists and trust lists are passed over.
Result<std::vector<Bytes>> decode_serialized_store(ByteView octets);

}  // namespace handset::crypto
