// Roots as a machine keeps them, in place of a device's store, out of files and folders: PEM, DER,
// PKCS #7, PKCS #12, Java's JKS, JCEKS and BKS, Microsoft's .sst, NSS's cert9.db, and lists of
// fingerprints that certutil, PowerShell and keytool print. What a file is, is told by its octets,
// never by its name.
// Bounded: 16 MiB a file, 64 MiB and 5,000 certificates in all, 10,000 entries of a folder,
// 200,000 fingerprints.
#pragma once

#include <string>
#include <vector>

#include "emulator/device/store.h"
#include "emulator/flight/files.h"
#include "handshake/x509/certificate.h"

namespace handset::flight {

enum class Wanted {
    anchors,      // what the owner of the store trusts for TLS servers
    certificates  // every certificate, whatever it is trusted for; lists are refused
};

struct Roots {
    std::vector<x509::Certificate> certificates;  // each once
    // Roots known by their fingerprints only: out of lists, or certificates that cannot be decoded.
    std::vector<device::StoreEntry> listed;
    std::vector<std::string> notes;  // a line each: what was passed over
    bool empty() const { return certificates.empty() && listed.empty(); }
};

// `places` are files, folders (the files in it, not those of its subfolders) or "sql:FOLDER" as
// NSS's programs have it. `password` is tried on what has one, then none and "changeit". Throws
// FileError, whose text is one line for the user; a folder's file that cannot be read is one, a
// file in it without certificates is not.
Roots load_roots(const std::vector<std::string>& places, const std::string& password,
                 Wanted wanted = Wanted::anchors);

// The same over the octets of one file; `name` stands for the file in messages.
Roots decode_roots(ByteView octets, const std::string& name, const std::string& password,
                   Wanted wanted = Wanted::anchors);

// A root as a user installs it: PEM, DER, PKCS #7 or PKCS #12, opened with the same passwords.
CertificateFile load_installed_root(const std::string& file, const std::string& password);

}  // namespace handset::flight
