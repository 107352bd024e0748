#include "emulator/flight/roots.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "emulator/flight/nss.h"
#include "emulator/flight/root_list.h"
#include "emulator/flight/text.h"
#include "handshake/crypto/digest.h"
#include "handshake/crypto/keystore.h"
#include "handshake/crypto/serialized_store.h"

namespace handset::flight {
namespace {

namespace fs = std::filesystem;
using crypto::StoredCertificate;
using device::StoreEntry;

constexpr std::size_t max_total_bytes = 64 << 20;
constexpr std::size_t max_entries = 10'000;
constexpr std::size_t max_certificates = 5'000;  // some 13 KiB each in memory
// Java writes 10,000 for MAC and cipher each, OpenSSL 2,048. Several passwords may be tried.
constexpr std::uint32_t max_iterations = 2'000'000;
constexpr std::string_view default_password = "changeit";  // of the JDK's and Android's own stores

[[noreturn]] void refuse(const std::string& name, std::string_view what) {
    throw FileError(fmt::format("{}: {}", printable(name), what));
}
[[noreturn]] void refuse_empty(const std::string& name, std::string_view what) {
    throw NoCertificates(fmt::format("{}: {}", printable(name), what));
}

Bytes hash(crypto::HashAlgorithm algorithm, ByteView octets) {
    return crypto::digest(algorithm, octets).value_or(Bytes{});
}

// --- stores with a password ---------------------------------------------------------------------

std::vector<std::string> passwords(const std::string& given) {
    std::vector<std::string> out;
    for (const std::string& word : {given, std::string(), std::string(default_password)}) {
        if (std::ranges::find(out, word) == out.end()) out.push_back(word);
    }
    return out;
}

// `decode` with one password after the other; `is_wrong` tells a password that does not fit from
// a store that is damaged. Without a MAC, a wrong one may look like damage now and then.
template <typename Decode, typename IsWrong>
std::vector<StoredCertificate> open_with(const std::string& name, std::string_view kind,
                                         const std::string& password, Decode decode,
                                         IsWrong is_wrong) {
    bool wrong = false;
    DecodeError error;
    for (const std::string& word : passwords(password)) {
        auto opened = decode(word);
        if (opened) return std::move(*opened);
        error = opened.error();
        wrong = wrong || is_wrong(error);
    }
    if (!wrong) {
        refuse(name, fmt::format("{} that is cut short, damaged or not understood: {}", kind,
                                 to_string(error)));
    }
    if (password.empty()) {
        refuse(name, fmt::format("{}: neither '{}' nor an empty password opens it, or it was "
                                 "changed; give --store-password",
                                 kind, default_password));
    }
    refuse(name, fmt::format("{}: the password is wrong, or it was changed", kind));
}

std::vector<StoredCertificate> open_pkcs12(ByteView octets, const std::string& name,
                                           const std::string& password) {
    return open_with(
        name, "PKCS #12", password,
        [&](const std::string& word) {
            return crypto::decode_pkcs12_store(octets, word, max_iterations);
        },
        [](const DecodeError& error) {
            // Without a MAC it is the deciphering that fails.
            return error.field == "macData" || error.field == "encryptedContent";
        });
}

std::vector<StoredCertificate> open_keystore(ByteView octets, crypto::KeystoreKind kind,
                                             const std::string& name, const std::string& password) {
    return open_with(
        name, fmt::format("Java key store ({})", crypto::keystore_name(kind)), password,
        [&](const std::string& word) { return crypto::decode_keystore(octets, word); },
        [](const DecodeError& error) { return error.field == "password"; });
}

std::vector<Bytes> taken(std::vector<StoredCertificate> stored, Wanted wanted) {
    std::vector<Bytes> out;
    for (StoredCertificate& certificate : stored) {
        if (certificate.anchor || wanted == Wanted::certificates) {
            out.push_back(std::move(certificate.der));
        }
    }
    return out;
}

// --- one file -----------------------------------------------------------------------------------

// What one file holds, not decoded further.
struct Found {
    std::vector<Bytes> certificates;
    std::vector<StoreEntry> listed;
    std::string note;
};

Found read_nss(ByteView octets, const std::string& name, Wanted wanted) {
    Found found;
    std::size_t others = 0;
    for (NssCertificate& certificate : decode_nss_database(octets, name)) {
        if (certificate.anchor || wanted == Wanted::certificates) {
            found.certificates.push_back(std::move(certificate.der));
        } else {
            ++others;
        }
    }
    if (found.certificates.empty()) {
        refuse(name, fmt::format("NSS database in which none of {} certificates is trusted to "
                                 "issue for servers (C in the first place of certutil -L)",
                                 others));
    }
    if (wanted == Wanted::anchors) {
        found.note = fmt::format(
            "{}: {} trusted for servers, {} not; the roots that NSS has built in do not stand in "
            "this file",
            printable(name), found.certificates.size(), others);
    }
    return found;
}

Found read_list(RootList list, const std::string& name, Wanted wanted) {
    if (list.too_long) {
        refuse(name, fmt::format("a list of more than {} roots", max_listed_roots));
    }
    if (list.md5_only > 0) {
        refuse(name, fmt::format("a list ({}) with MD5 fingerprints for {} of its roots, by which "
                                 "none can be recognised; give the store itself, or print it with "
                                 "keytool -list -v",
                                 list.program, list.md5_only));
    }
    if (wanted == Wanted::certificates) {
        refuse(name, fmt::format("a list of fingerprints ({}), but certificates are needed here",
                                 list.program));
    }
    return {{}, std::move(list.entries), ""};
}

Found read_one(ByteView octets, const std::string& name, const std::string& password,
               Wanted wanted) {
    if (octets.size() > max_file_bytes) refuse(name, "too large for a store of roots");
    if (is_sqlite(octets)) return read_nss(octets, name, wanted);
    if (is_berkeley_db(octets)) {
        refuse(name,
               "NSS database of the old kind (Berkeley DB), which is not read here; convert its "
               "folder with: certutil -K -X -d sql:FOLDER, and give sql:FOLDER");
    }
    if (crypto::is_serialized_store(octets)) {
        auto certificates = crypto::decode_serialized_store(octets);
        if (!certificates) {
            refuse(name, fmt::format("serialized certificate store (.sst) that is cut short or "
                                     "damaged: {}",
                                     to_string(certificates.error())));
        }
        return {std::move(*certificates), {}, ""};
    }
    if (const auto kind = crypto::keystore_kind_of(octets)) {
        return {taken(open_keystore(octets, *kind, name, password), wanted), {}, ""};
    }
    if (is_pkcs12(octets)) return {taken(open_pkcs12(octets, name, password), wanted), {}, ""};
    if ((is_text(octets) || is_utf16(octets)) && !octets.empty() && !is_pem(octets)) {
        RootList list = read_root_list(text_of(octets));
        if (!list.program.empty()) return read_list(std::move(list), name, wanted);
        refuse_empty(name,
                     "text without -----BEGIN CERTIFICATE-----, and no list of roots as certutil "
                     "-store, PowerShell's Format-List or keytool -list print it");
    }
    return {decode_certificates(octets, name, password), {}, ""};
}

// --- all of them --------------------------------------------------------------------------------

class Collector {
public:
    Collector(const std::string& password, Wanted wanted) : password_(password), wanted_(wanted) {}

    void add(ByteView octets, const std::string& name) {
        total_bytes_ += octets.size();
        if (total_bytes_ > max_total_bytes) refuse(name, "more than 64 MiB of roots in all");
        Found found = read_one(octets, name, password_, wanted_);
        if (found.certificates.empty() && found.listed.empty()) {
            refuse_empty(name, "holds no certificate that is trusted; give a store of roots");
        }
        if (!found.note.empty()) roots_.notes.push_back(std::move(found.note));
        add_certificates(found.certificates, name);
        for (StoreEntry& entry : found.listed)
            add_entry(std::move(entry));
    }

    void add_file(const fs::path& file) { add(read_file(file), file.string()); }

    void add_folder(const fs::path& folder) {
        const std::vector<fs::path> files = files_of(folder);
        std::size_t skipped = 0;
        for (const fs::path& file : files) {
            try {
                add_file(file);
            } catch (const NoCertificates&) {
                ++skipped;
            }
        }
        if (skipped == files.size()) {
            refuse(folder.string(),
                   fmt::format("none of its {} files holds a certificate; subfolders are not "
                               "looked into",
                               skipped));
        }
        if (skipped > 0) {
            roots_.notes.push_back(fmt::format("{}: {} {} skipped", printable(folder.string()),
                                               skipped,
                                               skipped == 1 ? "file without certificates was"
                                                            : "files without certificates were"));
        }
    }

    void add_place(const std::string& place) {
        constexpr std::string_view sql = "sql:", dbm = "dbm:";
        if (place.starts_with(sql))
            return add_file(fs::path(place.substr(sql.size())) / "cert9.db");
        if (place.starts_with(dbm))
            return add_file(fs::path(place.substr(dbm.size())) / "cert8.db");
        std::error_code ignored;
        if (!fs::is_directory(place, ignored)) return add_file(place);
        const fs::path database = fs::path(place) / "cert9.db";
        if (fs::exists(database, ignored)) return add_file(database);
        add_folder(place);
    }

    Roots take() {
        // A root that is there as a certificate needs no fingerprint.
        std::set<Bytes> sha1;
        if (!roots_.listed.empty()) {
            for (const x509::Certificate& certificate : roots_.certificates)
                sha1.insert(hash(crypto::HashAlgorithm::sha1, certificate.raw));
        }
        std::erase_if(roots_.listed, [&](const StoreEntry& entry) {
            return certificates_.contains(entry.sha256) || sha1.contains(entry.sha1);
        });
        return std::move(roots_);
    }

private:
    static std::vector<fs::path> files_of(const fs::path& folder) {
        std::error_code error;
        std::vector<fs::path> files;
        std::size_t entries = 0;
        fs::directory_iterator at(folder, error);
        for (; !error && at != fs::directory_iterator(); at.increment(error)) {
            if (++entries > max_entries) {
                refuse(folder.string(), fmt::format("a folder with more than {} entries, too many "
                                                    "for a store of roots",
                                                    max_entries));
            }
            const fs::file_status status = fs::status(at->path(), error);
            if (status.type() == fs::file_type::not_found) {
                refuse(at->path().string(), "a symbolic link that leads nowhere; remove it");
            }
            if (error) {
                refuse(at->path().string(), fmt::format("cannot be read: {}", error.message()));
            }
            if (status.type() == fs::file_type::regular) files.push_back(at->path());
        }
        if (error) refuse(folder.string(), fmt::format("cannot be read: {}", error.message()));
        std::ranges::sort(files);
        return files;
    }

    void add_certificates(const std::vector<Bytes>& certificates, const std::string& name) {
        std::size_t undecodable = 0;
        std::string first;
        std::vector<StoreEntry> fingerprints;
        for (std::size_t i = 0; i < certificates.size(); ++i) {
            const Bytes& der = certificates[i];
            Bytes sha256 = hash(crypto::HashAlgorithm::sha256, der);
            if (certificates_.contains(sha256)) continue;
            auto decoded = x509::decode_certificate(der);
            if (decoded) {
                if (certificates_.size() == max_certificates) {
                    refuse(name, fmt::format("more than {} certificates, too many for roots",
                                             max_certificates));
                }
                certificates_.insert(std::move(sha256));
                roots_.certificates.push_back(std::move(*decoded));
                continue;
            }
            if (undecodable++ == 0) {
                first = certificates.size() == 1 ? "" : fmt::format("number {}: ", i + 1);
                first += printable_utf8(to_string(decoded.error()));
            }
            StoreEntry entry;
            entry.sha256 = std::move(sha256);
            entry.sha1 = hash(crypto::HashAlgorithm::sha1, der);
            fingerprints.push_back(std::move(entry));
        }
        if (undecodable == 0) return;
        if (undecodable == certificates.size()) {
            refuse(name, fmt::format("certificate cannot be decoded: {}", first));
        }
        roots_.notes.push_back(fmt::format(
            "{}: {} of {} certificates cannot be decoded and {} ({})", printable(name), undecodable,
            certificates.size(),
            wanted_ == Wanted::anchors ? "are known by their fingerprints only" : "were skipped",
            first));
        if (wanted_ == Wanted::certificates) return;
        for (StoreEntry& entry : fingerprints)
            add_entry(std::move(entry));
    }

    void add_entry(StoreEntry entry) {
        const bool known = (!entry.sha256.empty() && !sha256_.insert(entry.sha256).second) ||
                           (!entry.sha1.empty() && !sha1_.insert(entry.sha1).second);
        if (known) return;
        if (roots_.listed.size() == max_listed_roots) {
            throw FileError(fmt::format("--roots: more than {} fingerprints", max_listed_roots));
        }
        roots_.listed.push_back(std::move(entry));
    }

    std::string password_;
    Wanted wanted_;
    Roots roots_;
    std::size_t total_bytes_ = 0;
    std::set<Bytes> certificates_;  // by SHA-256
    std::set<Bytes> sha256_;        // of the fingerprints
    std::set<Bytes> sha1_;
};

}  // namespace

Roots load_roots(const std::vector<std::string>& places, const std::string& password,
                 Wanted wanted) {
    Collector collector(password, wanted);
    for (const std::string& place : places)
        collector.add_place(place);
    return collector.take();
}

Roots decode_roots(ByteView octets, const std::string& name, const std::string& password,
                   Wanted wanted) {
    Collector collector(password, wanted);
    collector.add(octets, name);
    return collector.take();
}

CertificateFile load_installed_root(const std::string& file, const std::string& password) {
    const Bytes octets = read_file(file);
    if (!is_pkcs12(octets)) return decode_certificate_file(octets, file, password);
    CertificateFile out{device::RootFormat::pkcs12, {}};
    for (StoredCertificate& certificate : open_pkcs12(octets, file, password))
        out.certificates.push_back(std::move(certificate.der));
    if (out.certificates.empty()) refuse_empty(file, "PKCS #12 without certificates");
    return out;
}

}  // namespace handset::flight
