// Roots out of the certificate databases of NSS (Firefox, Thunderbird, Chromium on Linux):
// cert9.db, which is SQLite. Facts: the tables of sdb.c and the numbers of pkcs11n.h in NSS.
// Nothing is written, locked or created: the database is read out of memory. The signatures over
// trust settings, for which one needs the key in key4.db, are not checked.
#pragma once

#include <string>
#include <vector>

#include "handshake/base/bytes.h"

namespace handset::flight {

// By the first octets.
bool is_sqlite(ByteView octets);
// cert8.db, key3.db, secmod.db and their like: Berkeley DB 1.85, which is not read here.
bool is_berkeley_db(ByteView octets);

struct NssCertificate {
    Bytes der;
    bool anchor = false;  // trusted to issue certificates for servers ("C" of certutil -L)
};

// In the order of the database. Throws NoCertificates for SQLite that is no such database or an
// empty one, FileError for one that is damaged, or that costs more than any real one. `name` stands
// for the file in messages.
std::vector<NssCertificate> decode_nss_database(ByteView octets, const std::string& name);

}  // namespace handset::flight
