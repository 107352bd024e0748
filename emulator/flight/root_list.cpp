#include "emulator/flight/root_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <utility>

#include "emulator/flight/text.h"
#include "emulator/flight/written_name.h"

namespace handset::flight {
namespace {

using device::StoreEntry;

constexpr std::size_t md5_bytes = 16, sha1_bytes = 20, sha256_bytes = 32;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// nullopt unless the text is that many octets and nothing else.
std::optional<Bytes> hash_from(std::string_view text, std::size_t length_bytes) {
    if (text.size() > 3 * sha256_bytes) return std::nullopt;
    auto octets = from_hex(text);
    if (!octets || octets->size() != length_bytes) return std::nullopt;
    return octets;
}

// Text in front of the first colon and behind it.
struct Field {
    std::string_view label;
    std::string_view value;
};
std::optional<Field> field_of(std::string_view line) {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    return Field{trim(line.substr(0, colon)), trim(line.substr(colon + 1))};
}

// --- dates --------------------------------------------------------------------------------------

// A date in figures. The order is that of the machine's region.
struct WrittenDate {
    std::array<int, 3> numbers{};
    bool year_first = false;
    bool slashes = false;  // day and month may stand either way round
};

std::optional<WrittenDate> date_in(std::string_view text) {
    WrittenDate date;
    std::size_t at = 0;
    for (std::size_t i = 0; i < 3; ++i) {
        const std::size_t begin = at;
        int number = 0;
        for (; at < text.size() && at < begin + 4 && is_digit(text[at]); ++at)
            number = number * 10 + (text[at] - '0');
        if (at == begin) return std::nullopt;
        if (i == 0) date.year_first = at - begin == 4;
        if (i == 2 && !date.year_first && at - begin != 4) return std::nullopt;
        date.numbers[i] = number;
        if (i == 2) break;
        if (at == text.size() || std::string_view("./-").find(text[at]) == std::string_view::npos) {
            return std::nullopt;
        }
        if (i == 0) date.slashes = text[at] == '/';
        ++at;
        while (at < text.size() && text[at] == ' ')
            ++at;
    }
    if (at < text.size() && is_digit(text[at])) return std::nullopt;
    return date;
}

enum class DayOrder { unknown, day_first, month_first, both };

// Some date of a list as long as a store tells which number is the day.
void learn(DayOrder& order, const WrittenDate& date) {
    if (date.year_first || !date.slashes) return;
    const auto see = [&order](DayOrder seen) {
        order = order == DayOrder::unknown || order == seen ? seen : DayOrder::both;
    };
    if (date.numbers[0] > 12) see(DayOrder::day_first);
    if (date.numbers[1] > 12) see(DayOrder::month_first);
}

// "YYYY-MM-DD", or empty.
std::string iso(int year, int month, int day) {
    // Other calendars are in use as well, with years far from these.
    const bool fits = year >= 1950 && year <= 2199 && month >= 1 && month <= 12 && day >= 1 &&
                      std::chrono::year_month_day(std::chrono::year(year),
                                                  std::chrono::month(static_cast<unsigned>(month)),
                                                  std::chrono::day(static_cast<unsigned>(day)))
                          .ok();
    return fits ? fmt::format("{:04}-{:02}-{:02}", year, month, day) : "";
}

std::string iso(const WrittenDate& date, DayOrder order) {
    const auto [a, b, c] = date.numbers;
    if (date.year_first) return iso(a, b, c);
    if (!date.slashes || order == DayOrder::day_first || a == b) return iso(c, b, a);
    if (order == DayOrder::month_first) return iso(c, a, b);
    return "";
}

// java.util.Date.toString() anywhere in the text: "Mon May 09 19:19:22 UTC 2001". It is English in
// every language.
std::vector<std::string> java_dates_in(std::string_view text) {
    constexpr std::string_view days = "SunMonTueWedThuFriSat";
    constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const auto name_at = [&](std::string_view names, std::size_t at) -> int {
        const std::size_t found = names.find(text.substr(at, 3));
        return found != std::string_view::npos && found % 3 == 0 ? static_cast<int>(found / 3) : -1;
    };
    const auto number_at = [&](std::size_t at, std::size_t digits) {
        int number = 0;
        for (std::size_t i = at; i < at + digits; ++i) {
            if (!is_digit(text[i])) return -1;
            number = number * 10 + (text[i] - '0');
        }
        return number;
    };
    std::vector<std::string> out;
    // "Mon May 09 19:19:22 " without its zone and year.
    constexpr std::size_t front = 20;
    for (std::size_t at = 0; at + front + 5 <= text.size() && out.size() < 2; ++at) {
        if (text[at + 3] != ' ' || text[at + 7] != ' ' || text[at + 13] != ':' ||
            name_at(days, at) < 0 || name_at(months, at + 4) < 0) {
            continue;
        }
        const std::size_t zone_end = text.find(' ', at + front);
        if (zone_end == std::string_view::npos || zone_end + 5 > text.size()) continue;
        out.push_back(
            iso(number_at(zone_end + 1, 4), name_at(months, at + 4) + 1, number_at(at + 8, 2)));
    }
    return out;
}

// --- certutil -----------------------------------------------------------------------------------

//   ================ Certificate 0 ================
//   Serial Number: 79ad16a14aa0a5ad4c7358f407132e65
//   Issuer: CN=Microsoft Root Certificate Authority, DC=microsoft, DC=com
//    NotBefore: 5/9/2001 7:19 PM
//    NotAfter: 5/9/2021 7:28 PM
//   Subject: CN=Microsoft Root Certificate Authority, DC=microsoft, DC=com
//   Cert Hash(sha1): cd d4 ee ae 60 00 ac 7f 40 c3 80 2c 17 1e 30 14 80 30 c0 72
// With -v the names take a line for each attribute, and hashes of names and keys stand in front of
// those of the certificate. Labels are translated, their order is not.
class Certutil {
public:
    RootList read(std::string_view text) {
        Lines lines(text);
        while (lines.next()) {
            if (is_header(lines.line())) {
                finish();
                current_ = {};
                // Revocation and trust lists have hashes, too.
                inside_ = lines.line().find("CRL") == std::string_view::npos &&
                          lines.line().find("CTL") == std::string_view::npos;
            } else if (inside_) {
                take(lines.line());
            }
        }
        finish();
        return finished();
    }

private:
    struct Hash {
        std::string label;  // "Cert Hash"
        std::size_t length_bytes = 0;
        Bytes octets;  // empty: expected on the next line
    };
    struct Entry {
        std::vector<std::string> names;  // issuer, subject
        std::vector<WrittenDate> dates;  // notBefore, notAfter
        std::vector<Hash> hashes;
        bool in_name = false;  // its attributes come line by line
    };
    struct Dated {
        StoreEntry entry;
        std::vector<WrittenDate> dates;
    };

    static bool is_header(std::string_view line) {
        return line.starts_with("=====") && line.ends_with("=====") &&
               line.find_first_not_of('=') != std::string_view::npos;
    }

    // "Cert Hash(sha1): ..."; a French one has blanks of two octets in front of the colon.
    static std::optional<Hash> hash_in(std::string_view line, std::string_view& value) {
        for (const auto& [name, length] :
             {std::pair("(sha1)", sha1_bytes), std::pair("(sha256)", sha256_bytes)}) {
            const std::size_t at = line.find(name);
            if (at == std::string_view::npos) continue;
            const std::string_view rest = line.substr(at + std::string_view(name).size());
            constexpr std::string_view wide_colon = "\xef\xbc\x9a";
            std::size_t colon = rest.substr(0, 4).find(':');
            std::size_t colon_bytes = 1;
            if (colon == std::string_view::npos) {
                colon = rest.substr(0, 6).find(wide_colon);
                colon_bytes = wide_colon.size();
            }
            if (colon == std::string_view::npos) continue;
            value = trim(rest.substr(colon + colon_bytes));
            return Hash{std::string(line.substr(0, at)), length, {}};
        }
        return std::nullopt;
    }

    void take(std::string_view line) {
        std::vector<Hash>& hashes = current_.hashes;
        if (!hashes.empty() && hashes.back().octets.empty()) {
            if (auto octets = hash_from(line, hashes.back().length_bytes)) {
                hashes.back().octets = std::move(*octets);
                return;
            }
            hashes.pop_back();
        }
        std::string_view value;
        if (auto hash = hash_in(line, value)) {
            auto octets = hash_from(value, hash->length_bytes);
            if (octets) hash->octets = std::move(*octets);
            if (octets || value.empty()) {
                // Only the last of each kind counts, and a dump has a handful.
                if (hashes.size() == max_hashes) hashes.erase(hashes.begin());
                hashes.push_back(std::move(*hash));
            }
            current_.in_name = false;
            return;
        }
        if (current_.in_name && begins_name(line)) {
            std::string& name = current_.names.back();
            if (name.size() < max_name_bytes) {
                name += (name.empty() ? "" : ", ") + std::string(line);
            }
            return;
        }
        if (current_.in_name && current_.names.back().empty()) current_.names.pop_back();
        current_.in_name = false;
        const auto field = field_of(line);
        if (!field) return;
        if (const auto date = date_in(field->value); date && current_.dates.size() < 2) {
            current_.dates.push_back(*date);
            learn(order_, *date);
        } else if (current_.names.size() < 2 && begins_name(field->value)) {
            current_.names.emplace_back(field->value.substr(0, max_name_bytes));
        } else if (current_.names.size() < 2 && field->value.empty()) {
            current_.names.emplace_back();
            current_.in_name = true;
        }
    }

    void finish() {
        if (current_.in_name && current_.names.back().empty()) current_.names.pop_back();
        // What has no issuer and subject is no certificate.
        if (current_.names.size() < 2) return;
        Dated out;
        const std::string* label = nullptr;
        for (const Hash& hash : current_.hashes) {
            if (hash.octets.size() != sha1_bytes) continue;
            out.entry.sha1 = hash.octets;
            label = &hash.label;
        }
        if (label == nullptr) return;
        for (const Hash& hash : current_.hashes) {
            if (hash.octets.size() == sha256_bytes && hash.label == *label) {
                out.entry.sha256 = hash.octets;
            }
        }
        if (entries_.size() == max_listed_roots) {
            too_long_ = true;
            return;
        }
        out.entry.subject = rfc4514_of(current_.names[1]);
        out.dates = std::move(current_.dates);
        entries_.push_back(std::move(out));
    }

    RootList finished() {
        RootList list;
        if (!entries_.empty()) list.program = "certutil -store";
        list.too_long = too_long_;
        for (Dated& dated : entries_) {
            if (!dated.dates.empty()) dated.entry.not_before = iso(dated.dates[0], order_);
            if (dated.dates.size() > 1) dated.entry.not_after = iso(dated.dates[1], order_);
            list.entries.push_back(std::move(dated.entry));
        }
        return list;
    }

    static constexpr std::size_t max_hashes = 32;
    static constexpr std::size_t max_name_bytes = 4096;
    Entry current_;
    bool inside_ = false;
    std::vector<Dated> entries_;
    DayOrder order_ = DayOrder::unknown;
    bool too_long_ = false;
};

// --- PowerShell ---------------------------------------------------------------------------------

//   Subject      : CN=Microsoft Root Certificate Authority, DC=microsoft, DC=com
//   Thumbprint   : CDD4EEAE6000AC7F40C3802C171E30148030C072
//   NotBefore    : 5/9/2001 7:19:22 PM
// Names of properties are never translated. Long values go on in the next line, which is indented;
// an empty line ends a certificate. As a table, whose right side may be cut off:
//   Thumbprint                                Subject
//   ----------                                -------
//   CDD4EEAE6000AC7F40C3802C171E30148030C072  CN=Microsoft Root Certificate Authority, DC=micro...
class PowerShell {
public:
    RootList read(std::string_view text) {
        Lines lines(text);
        while (lines.next()) {
            const std::string_view line = lines.line();
            const bool goes_on = lines.whole().starts_with("  ");
            if (line.empty()) {
                finish();
            } else if (goes_on && open_ != nullptr) {
                if (open_->size() < max_value_bytes) *open_ += ' ' + std::string(line);
            } else if (const auto field = field_of(line); field && !goes_on) {
                take(*field);
            }
            table_row(line);
        }
        finish();
        RootList list;
        if (!entries_.empty()) list.program = "Get-ChildItem Cert:";
        list.too_long = too_long_;
        for (Certificate& certificate : entries_) {
            StoreEntry entry;
            entry.sha1 = std::move(certificate.sha1);
            if (!certificate.subject.empty()) entry.subject = rfc4514_of(certificate.subject);
            if (const auto date = date_in(certificate.not_before)) {
                entry.not_before = iso(*date, order_);
            }
            if (const auto date = date_in(certificate.not_after)) {
                entry.not_after = iso(*date, order_);
            }
            list.entries.push_back(std::move(entry));
        }
        return list;
    }

private:
    struct Certificate {
        Bytes sha1;
        std::string thumbprint;
        std::string subject;
        std::string not_before;
        std::string not_after;
    };

    void take(const Field& field) {
        open_ = nullptr;
        if (field.label == "Thumbprint") open_ = &current_.thumbprint;
        if (field.label == "Subject") open_ = &current_.subject;
        if (field.label == "NotBefore") open_ = &current_.not_before;
        if (field.label == "NotAfter") open_ = &current_.not_after;
        if (open_ == nullptr) return;
        if (!open_->empty()) {  // the next certificate, without an empty line between
            std::string* const reopened = open_;
            finish();
            open_ = reopened;
        }
        *open_ = field.value.substr(0, max_value_bytes);
    }

    void table_row(std::string_view line) {
        const std::size_t end = std::min(line.find(' '), line.size());
        const std::string_view first = line.substr(0, end);
        if (first == "Thumbprint" && line.find(':') == std::string_view::npos) in_table_ = true;
        if (!in_table_ || first.size() != 2 * sha1_bytes) return;
        if (auto sha1 = hash_from(first, sha1_bytes)) add({std::move(*sha1), {}, {}, {}, {}});
    }

    void finish() {
        open_ = nullptr;
        Certificate done;
        std::swap(done, current_);
        auto sha1 = hash_from(done.thumbprint, sha1_bytes);
        if (!sha1) return;
        done.sha1 = std::move(*sha1);
        for (const std::string* text : {&done.not_before, &done.not_after}) {
            if (const auto date = date_in(*text)) learn(order_, *date);
        }
        add(std::move(done));
    }

    void add(Certificate certificate) {
        if (entries_.size() == max_listed_roots) {
            too_long_ = true;
        } else {
            entries_.push_back(std::move(certificate));
        }
    }

    static constexpr std::size_t max_value_bytes = 4096;
    Certificate current_;
    std::string* open_ = nullptr;  // the value that the next line may go on with
    bool in_table_ = false;
    std::vector<Certificate> entries_;
    DayOrder order_ = DayOrder::unknown;
    bool too_long_ = false;
};

// --- keytool ------------------------------------------------------------------------------------

//   contoso, Sep 1, 2007, trustedCertEntry,
//   Certificate fingerprint (SHA-256): 9E:4D:...
// With -v:
//   Alias name: contoso
//   Certificate[1]:                   (of a private key's chain: only the first is an anchor)
//   Owner: CN=Contoso Root CA, O="Contoso, Inc.", C=US
//   Valid from: Mon Jan 01 00:00:00 UTC 2007 until: Fri Jan 01 00:00:00 UTC 2027
//   	 SHA1: 80:97:...
//   	 SHA256: 9E:4D:...
//   *******************************************
class Keytool {
public:
    RootList read(std::string_view text) {
        Lines lines(text);
        while (lines.next())
            take(lines.line());
        finish();
        if (list_.entries.empty() && list_.md5_only == 0) return {};
        list_.program = "keytool -list";
        return std::move(list_);
    }

private:
    struct Hash {
        std::string_view begin;   // of a line with -v
        std::string_view inside;  // of a line without
        std::size_t length_bytes;
    };
    // "SHA-1" is how Java 6 and 7 called it.
    static constexpr Hash hashes[] = {
        {"SHA1:", "(SHA1):", sha1_bytes},       {"SHA-1:", "(SHA-1):", sha1_bytes},
        {"SHA256:", "(SHA256):", sha256_bytes}, {"SHA-256:", "(SHA-256):", sha256_bytes},
        {"MD5:", "(MD5):", md5_bytes},
    };

    void take(std::string_view line) {
        if (line.starts_with("*****")) {
            finish();
            return;
        }
        if (const std::size_t number = chain_number(line); number > 0) {
            finish();
            is_anchor_ = number == 1;
            return;
        }
        for (const Hash& hash : hashes) {
            if (line.starts_with(hash.begin)) {
                keep(hash_from(trim(line.substr(hash.begin.size())), hash.length_bytes));
            } else if (const std::size_t at = line.find(hash.inside);
                       at != std::string_view::npos) {
                finish();
                keep(hash_from(trim(line.substr(at + hash.inside.size())), hash.length_bytes));
                finish();
            }
        }
        const auto field = field_of(line);
        if (!field) return;
        if (current_.subject.empty() && begins_name(field->value)) {
            current_.subject = rfc4514_of(field->value);
        } else if (current_.not_before.empty() && !current_.subject.empty()) {
            const std::vector<std::string> dates = java_dates_in(field->value);
            if (dates.size() == 2) {
                current_.not_before = dates[0];
                current_.not_after = dates[1];
            }
        }
    }

    // N of "Certificate[N]:", 0 for any other line.
    static std::size_t chain_number(std::string_view line) {
        if (!line.ends_with("]:")) return 0;
        const std::size_t open = line.rfind('[');
        if (open == std::string_view::npos) return 0;
        const std::string_view number = line.substr(open + 1, line.size() - open - 3);
        if (number.empty() || number.size() > 4 || !std::ranges::all_of(number, is_digit)) return 0;
        return number == "1" ? 1 : 2;
    }

    void keep(std::optional<Bytes> octets) {
        if (!octets) return;
        if (octets->size() == sha1_bytes && current_.sha1.empty()) current_.sha1 = *octets;
        if (octets->size() == sha256_bytes && current_.sha256.empty()) current_.sha256 = *octets;
        if (octets->size() == md5_bytes) has_md5_ = true;
    }

    void finish() {
        StoreEntry done;
        std::swap(done, current_);
        const bool anchor = std::exchange(is_anchor_, true);
        const bool has_md5 = std::exchange(has_md5_, false);
        if (!anchor) return;
        if (done.sha1.empty() && done.sha256.empty()) {
            if (has_md5) ++list_.md5_only;
        } else if (list_.entries.size() == max_listed_roots) {
            list_.too_long = true;
        } else {
            list_.entries.push_back(std::move(done));
        }
    }

    RootList list_;
    StoreEntry current_;
    bool is_anchor_ = true;
    bool has_md5_ = false;
};

}  // namespace

RootList read_root_list(std::string_view text) {
    RootList list = Certutil().read(text);
    if (list.program.empty()) list = PowerShell().read(text);
    if (list.program.empty()) list = Keytool().read(text);
    return list;
}

}  // namespace handset::flight
