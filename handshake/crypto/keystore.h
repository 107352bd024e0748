// Certificates out of the key stores of Java: JKS and JCEKS of the JDK (versions 1 and 2) and BKS
// of Bouncy Castle (versions 0 to 2), which Android kept its roots in up to 3.2. Private keys are
// passed over unread. Formats: sun.security.provider.JavaKeyStore and
// com.sun.crypto.provider.JceKeyStore of OpenJDK, BcKeyStoreSpi of Bouncy Castle.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "handshake/crypto/pkcs12.h"

namespace handset::crypto {

enum class KeystoreKind { jks, jceks, bks };
std::string_view keystore_name(KeystoreKind kind);  // "JKS"

// By the first octets; nullopt for anything else. BKS has no magic number: what looks like its
// header counts.
std::optional<KeystoreKind> keystore_kind_of(ByteView octets);

// In the order of the store; there may be none. Integrity is checked with the password (UTF-8): an
// error whose field is "password" says that it is wrong or the store was changed. A secret key in
// JCEKS is an error, for nothing says where it ends.
Result<std::vector<StoredCertificate>> decode_keystore(ByteView octets, std::string_view password);

}  // namespace handset::crypto
