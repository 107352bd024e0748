#include "emulator/flight/nss.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "emulator/flight/files.h"
#include "handshake/crypto/digest.h"

namespace handset::flight {
namespace {

constexpr std::string_view sqlite_magic("SQLite format 3\0", 16);
constexpr std::size_t max_certificates = 10'000;
constexpr int max_value_bytes = 1 << 20;
constexpr int steps_between_calls = 10'000;
constexpr int max_calls = 20'000;  // steps of SQLite's virtual machine: some seconds

[[noreturn]] void refuse(const std::string& name, std::string_view what) {
    throw FileError(fmt::format("{}: {}", printable(name), what));
}

struct Close {
    void operator()(sqlite3* database) const { sqlite3_close(database); }
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, Close>;

// A database in memory of which nothing is believed.
class Database {
public:
    Database(ByteView octets, const std::string& name) : octets_(to_bytes(octets)), name_(name) {
        // In write-ahead mode, a database has to be opened with its log beside it. In memory there
        // is none.
        constexpr std::size_t write_version = 18, read_version = 19;
        if (octets_.size() > read_version) octets_[write_version] = octets_[read_version] = 1;
        sqlite3* opened = nullptr;
        const int status = sqlite3_open_v2(":memory:", &opened, SQLITE_OPEN_READWRITE, nullptr);
        database_.reset(opened);
        if (status != SQLITE_OK) fail();
        sqlite3_limit(opened, SQLITE_LIMIT_LENGTH, max_value_bytes);
        sqlite3_db_config(opened, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
        sqlite3_db_config(opened, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
        sqlite3_db_config(opened, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
        sqlite3_db_config(opened, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
        sqlite3_progress_handler(
            opened, steps_between_calls,
            [](void* calls) { return ++*static_cast<int*>(calls) > max_calls ? 1 : 0; }, &calls_);
        const auto size = static_cast<sqlite3_int64>(octets_.size());
        if (sqlite3_deserialize(opened, "main", octets_.data(), size, size,
                                SQLITE_DESERIALIZE_READONLY) != SQLITE_OK) {
            fail();
        }
    }
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    // nullptr when a table or a column is missing.
    Statement prepare(const char* sql) {
        sqlite3_stmt* statement = nullptr;
        const int status = sqlite3_prepare_v2(database_.get(), sql, -1, &statement, nullptr);
        if (status == SQLITE_ERROR) return nullptr;
        if (status != SQLITE_OK) fail();
        return Statement(statement);
    }
    bool next(const Statement& statement) {
        const int status = sqlite3_step(statement.get());
        if (status == SQLITE_ROW) return true;
        if (status != SQLITE_DONE) fail();
        return false;
    }

    [[noreturn]] void fail() const {
        const char* reason = database_ ? sqlite3_errmsg(database_.get()) : "out of memory";
        refuse(name_, fmt::format("NSS database that cannot be read ({}); damaged, or still being "
                                  "written: give a copy made while its program is closed",
                                  printable(std::string_view(reason))));
    }

private:
    Bytes octets_;
    std::string name_;
    int calls_ = 0;
    std::unique_ptr<sqlite3, Close> database_;
};

Bytes blob_at(const Statement& statement, int column) {
    if (sqlite3_column_type(statement.get(), column) != SQLITE_BLOB) return {};
    const auto* octets =
        static_cast<const std::uint8_t*>(sqlite3_column_blob(statement.get(), column));
    const int size = sqlite3_column_bytes(statement.get(), column);
    if (octets == nullptr || size <= 0) return {};
    return Bytes(octets, octets + size);
}

// What the database says about whom to trust. A setting names its certificate by SHA-1, or where
// that is missing by issuer and serial number.
struct Trust {
    std::set<Bytes> hashes;
    std::set<std::pair<Bytes, Bytes>> serials;
};

}  // namespace

bool is_sqlite(ByteView octets) {
    return octets.size() >= sqlite_magic.size() &&
           equal(octets.first(sqlite_magic.size()), view_of(sqlite_magic));
}

bool is_berkeley_db(ByteView octets) {
    constexpr std::uint8_t hash_magic[] = {0x00, 0x06, 0x15, 0x61};
    return octets.size() >= 4 &&
           (equal(octets.first(4), hash_magic) ||
            std::equal(std::rbegin(hash_magic), std::rend(hash_magic), octets.begin()));
}

std::vector<NssCertificate> decode_nss_database(ByteView octets, const std::string& name) {
    Database database(octets, name);
    // Columns are named by PKCS #11's numbers of attributes: a0 CKA_CLASS, a11 CKA_VALUE,
    // a81 CKA_ISSUER, a82 CKA_SERIAL_NUMBER, ace536358 CKA_TRUST_SERVER_AUTH,
    // ace5363b4 CKA_CERT_SHA1_HASH. Values are big-endian: 1 CKO_CERTIFICATE,
    // ce534353 CKO_NSS_TRUST, ce534352 CKT_NSS_TRUSTED_DELEGATOR.
    const Statement trusted = database.prepare(
        "SELECT ace5363b4, a81, a82 FROM nssPublic"
        " WHERE a0 = x'ce534353' AND ace536358 = x'ce534352'");
    const Statement stored =
        database.prepare("SELECT a11, a81, a82 FROM nssPublic WHERE a0 = x'00000001'");
    if (!trusted || !stored) {
        throw NoCertificates(fmt::format(
            "{}: SQLite, but no certificate database of NSS; give its cert9.db", printable(name)));
    }
    Trust trust;
    std::size_t settings = 0;
    while (database.next(trusted)) {
        if (++settings > max_certificates)
            refuse(name, "more trust settings than any NSS database");
        const Bytes hash = blob_at(trusted, 0);
        if (hash.size() == 20) {
            trust.hashes.insert(hash);
        } else {
            trust.serials.emplace(blob_at(trusted, 1), blob_at(trusted, 2));
        }
    }
    std::vector<NssCertificate> certificates;
    while (database.next(stored)) {
        if (certificates.size() == max_certificates) {
            refuse(name, "more certificates than any NSS database");
        }
        Bytes der = blob_at(stored, 0);
        if (der.empty()) continue;
        const auto hash = crypto::digest(crypto::HashAlgorithm::sha1, der);
        const bool anchor = (hash && trust.hashes.contains(*hash)) ||
                            trust.serials.contains({blob_at(stored, 1), blob_at(stored, 2)});
        certificates.push_back({std::move(der), anchor});
    }
    if (certificates.empty()) {
        throw NoCertificates(fmt::format("{}: NSS database without certificates", printable(name)));
    }
    return certificates;
}

}  // namespace handset::flight
