#include "emulator/flight/written_name.h"

#include <algorithm>
#include <optional>

#include "emulator/flight/text.h"
#include "handshake/x509/name.h"

namespace handset::flight {
namespace {

constexpr std::size_t max_name_bytes = 8192;
constexpr std::size_t max_keyword_bytes = 64;
constexpr std::uint32_t utf8_string = 12;  // universal tag number

// Keywords of CertNameToStr (wincrypt.h) and java.security.Principal beside the names and numbers
// that x509::oid_from_name knows.
struct Keyword {
    std::string_view written;  // in capitals
    std::string_view type;
};
constexpr Keyword keywords[] = {
    {"CN", "commonName"},
    {"L", "localityName"},
    {"O", "organizationName"},
    {"OU", "organizationalUnitName"},
    {"C", "countryName"},
    {"S", "stateOrProvinceName"},
    {"ST", "stateOrProvinceName"},
    {"STREET", "streetAddress"},
    {"DC", "domainComponent"},
    {"UID", "userId"},
    {"E", "emailAddress"},
    {"EMAIL", "emailAddress"},
    {"EMAILADDRESS", "emailAddress"},
    {"T", "title"},
    {"TITLE", "title"},
    {"G", "givenName"},
    {"GIVENNAME", "givenName"},
    {"I", "initials"},
    {"INITIALS", "initials"},
    {"SN", "surname"},
    {"SURNAME", "surname"},
    {"SERIALNUMBER", "serialNumber"},
    {"DNQ", "dnQualifier"},
    {"DNQUALIFIER", "dnQualifier"},
    {"GENERATION", "generationQualifier"},
    {"PHONE", "telephoneNumber"},
    {"POSTALCODE", "postalCode"},
    {"DESCRIPTION", "description"},
};

std::string upper(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    return out;
}

std::optional<x509::Oid> type_of(std::string_view keyword) {
    const std::string capitals = upper(keyword);
    for (const Keyword& row : keywords) {
        if (row.written == capitals) return x509::oid_from_name(row.type);
    }
    if (capitals.starts_with("OID.")) keyword.remove_prefix(4);
    return x509::oid_from_name(keyword);
}

// Octets of "KEYWORD=" at the front; 0 when something else stands there.
std::size_t keyword_length(std::string_view text) {
    const std::size_t end = text.substr(0, max_keyword_bytes).find('=');
    if (end == std::string_view::npos || end == 0) return 0;
    const auto is_keyword = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '-';
    };
    return std::ranges::all_of(text.substr(0, end), is_keyword) ? end + 1 : 0;
}

std::size_t skip_spaces(std::string_view text, std::size_t at) {
    while (at < text.size() && text[at] == ' ')
        ++at;
    return at;
}

class Parser {
public:
    explicit Parser(std::string_view text) : text_(text) {}

    std::optional<x509::Name> name() {
        x509::Name name;
        bool joined = false;  // to the attribute before, by '+'
        while (true) {
            auto one = attribute();
            if (!one) return std::nullopt;
            if (!joined) name.rdns.emplace_back();
            name.rdns.back().push_back(std::move(*one));
            if (at_ == text_.size()) break;
            joined = text_[at_] == '+';
            at_ = skip_spaces(text_, at_ + 1);
        }
        // Name holds them as encoded, the most general one first.
        std::ranges::reverse(name.rdns);
        name.folded = x509::fold(name.rdns);
        return name;
    }

private:
    std::optional<x509::AttributeTypeAndValue> attribute() {
        const std::size_t length = keyword_length(text_.substr(at_));
        if (length == 0) return std::nullopt;
        const auto type = type_of(text_.substr(at_, length - 1));
        if (!type) return std::nullopt;
        at_ = skip_spaces(text_, at_ + length);
        x509::AttributeTypeAndValue out;
        out.type = *type;
        const bool is_hex = at_ < text_.size() && text_[at_] == '#';
        const bool is_quoted = at_ < text_.size() && text_[at_] == '"';
        auto value = is_quoted ? quoted() : plain();
        if (!value) return std::nullopt;
        out.string_type = is_hex ? 0 : utf8_string;
        out.value = to_bytes(view_of(*value));
        out.text = std::move(*value);
        return out;
    }

    // A comma inside a value that nobody quoted is no separator: no keyword follows it.
    bool at_separator() const {
        const char c = text_[at_];
        if (c != ',' && c != '+' && c != ';') return false;
        return keyword_length(text_.substr(skip_spaces(text_, at_ + 1))) > 0;
    }

    std::optional<std::string> quoted() {
        std::string out;
        for (++at_; at_ < text_.size(); ++at_) {
            const char c = text_[at_];
            const char next = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
            if (c == '"' && next != '"') {
                at_ = skip_spaces(text_, at_ + 1);
                if (at_ < text_.size() && !at_separator()) return std::nullopt;
                return out;
            }
            if (c == '"' || (c == '\\' && (next == '"' || next == '\\'))) ++at_;
            out += text_[at_];
        }
        return std::nullopt;
    }

    std::string plain() {
        const std::size_t begin = at_;
        while (at_ < text_.size() && !at_separator())
            ++at_;
        return std::string(trim(text_.substr(begin, at_ - begin)));
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

bool begins_name(std::string_view text) {
    return keyword_length(text) > 0;
}

std::string rfc4514_of(std::string_view written) {
    written = trim(written);
    if (written.size() <= max_name_bytes) {
        if (const auto name = Parser(written).name()) return x509::to_string(*name);
    }
    return printable_utf8(written.substr(0, max_name_bytes));
}

}  // namespace handset::flight
