#include "handshake/x509/name_constraints.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace handset::x509 {
namespace {

using Kind = NameViolation::Kind;
using Subtree = NameConstraints::Subtree;

constexpr std::size_t form_count = 9;

std::size_t index_of(GeneralNameType form) {
    return static_cast<std::size_t>(form);
}

// --- host names ---------------------------------------------------------------------------------

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

std::string lower_case(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return lower;
}

bool has_labels(std::string_view host) {
    return !host.empty() && !host.starts_with('.') && !host.ends_with('.') &&
           host.find("..") == std::string_view::npos;
}

bool is_graphic(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

// Of a host in lower case. '_' is against RFC 1123, and in use.
bool is_domain(std::string_view host) {
    return has_labels(host) && std::ranges::all_of(host, [](char c) {
               return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_' || c == '.';
           });
}

// A number in the last place makes it an IPv4 address, or the attempt at one.
bool ends_in_number(std::string_view host) {
    return std::ranges::all_of(host.substr(host.rfind('.') + 1), is_digit);
}

bool is_below(std::string_view host, std::string_view domain) {
    return host.size() > domain.size() && host.ends_with(domain) &&
           host[host.size() - domain.size() - 1] == '.';
}

std::string_view take_last_label(std::string_view& host) {
    const std::size_t dot = host.rfind('.');
    const std::string_view label = dot == std::string_view::npos ? host : host.substr(dot + 1);
    host = dot == std::string_view::npos ? std::string_view() : host.substr(0, dot);
    return label;
}

// A dNSName with '*': left.before*after.right.
struct Pattern {
    std::string_view left;
    std::string_view before;
    std::string_view after;
    std::string_view right;
    bool in_one_label = true;
};

Pattern pattern_of(std::string_view name) {
    const std::size_t first = name.find('*');
    const std::size_t last = name.rfind('*');
    const std::size_t begin = name.rfind('.', first) + 1;  // 0 where there is no dot
    const std::size_t end = std::min(name.find('.', last), name.size());
    Pattern pattern;
    if (begin > 0) pattern.left = name.substr(0, begin - 1);
    pattern.before = name.substr(begin, first - begin);
    pattern.after = name.substr(last + 1, end - last - 1);
    if (end < name.size()) pattern.right = name.substr(end + 1);
    pattern.in_one_label = name.substr(first, last - first).find('.') == std::string_view::npos;
    return pattern;
}

// --- names and bases ----------------------------------------------------------------------------

// A name as it is compared.
struct Comparable {
    std::string text;   // host in lower case, folded_key() of a directoryName, octets of an address
    std::string local;  // Local-part of an rfc822Name
};

enum class Reach {
    everything,
    host,   // this one alone
    below,  // names with more labels on the left
    host_and_below,
    suffix,  // names that end in its octets
    mailbox,
    network,
    prefix,  // RDNs in front
    itself   // the same octets
};

struct Base {
    Reach reach = Reach::everything;
    std::string text;   // as in Comparable
    std::string local;  // as in Comparable; the mask of a network
};

std::optional<Comparable> comparable_dns_name(std::string_view name) {
    Comparable out{lower_case(name), {}};
    if (!has_labels(out.text) || !is_graphic(out.text)) return std::nullopt;
    return out;
}

// RFC 2821 4.1.2: a quoted string, or atoms between dots.
bool is_local_part(std::string_view text) {
    if (text.size() > 2 && text.starts_with('"') && text.ends_with('"')) return true;
    return !text.empty() && is_graphic(text) &&
           text.find_first_of("()<>[]:;@\\,\"") == std::string_view::npos;
}

// RFC 5280 4.2.1.6: Local-part "@" Domain.
std::optional<Comparable> comparable_mailbox(std::string_view name) {
    const std::size_t at = name.rfind('@');
    if (at == std::string_view::npos || !is_local_part(name.substr(0, at))) return std::nullopt;
    Comparable out{lower_case(name.substr(at + 1)), std::string(name.substr(0, at))};
    if (!has_labels(out.text) || !is_graphic(out.text)) return std::nullopt;
    return out;
}

// The host of RFC 3986 3.2.2, where it is a domain name.
std::optional<Comparable> comparable_uri(std::string_view uri) {
    const std::size_t colon = uri.find(':');
    if (colon == std::string_view::npos || colon == 0) return std::nullopt;
    std::string_view rest = uri.substr(colon + 1);
    if (!rest.starts_with("//")) return std::nullopt;
    rest.remove_prefix(2);
    std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
    // Some readers take '\' for '/', and would see another host.
    if (authority.find('\\') != std::string_view::npos) return std::nullopt;
    const std::size_t at = authority.find('@');
    if (at != std::string_view::npos) authority.remove_prefix(at + 1);
    const std::size_t port = authority.find(':');
    if (port != std::string_view::npos) {
        if (!std::ranges::all_of(authority.substr(port + 1), is_digit)) return std::nullopt;
        authority = authority.substr(0, port);
    }
    Comparable out{lower_case(authority), {}};
    if (!is_domain(out.text) || ends_in_number(out.text)) return std::nullopt;
    return out;
}

std::optional<Comparable> comparable(const GeneralName& name) {
    switch (name.type) {
        case GeneralNameType::dns_name:
            return comparable_dns_name(to_text(name.value));
        case GeneralNameType::rfc822_name:
            return comparable_mailbox(to_text(name.value));
        case GeneralNameType::uniform_resource_identifier:
            return comparable_uri(to_text(name.value));
        case GeneralNameType::ip_address:
            if (name.value.size() != 4 && name.value.size() != 16) return std::nullopt;
            return Comparable{to_text(name.value), {}};
        case GeneralNameType::directory_name:
            if (!name.directory_name) return std::nullopt;
            return Comparable{name.directory_name->folded, {}};
        case GeneralNameType::registered_id:
            return Comparable{to_text(name.value), {}};
        default:
            return std::nullopt;
    }
}

std::optional<Base> domain_base(std::string_view text, Reach without_dot) {
    Base base{without_dot, {}, {}};
    if (text.starts_with('.')) {
        base.reach = Reach::below;
        text.remove_prefix(1);
    }
    base.text = lower_case(text);
    if (!is_domain(base.text)) return std::nullopt;
    return base;
}

std::optional<Base> dns_name_base(std::string_view text) {
    if (text.empty()) return Base{};
    return domain_base(text, Reach::host_and_below);
}

std::optional<Base> mailbox_base(std::string_view text) {
    if (text.empty()) return Base{};
    if (text.find('@') == std::string_view::npos) return domain_base(text, Reach::host);
    auto mailbox = comparable_mailbox(text);
    if (!mailbox) return std::nullopt;
    return Base{Reach::mailbox, std::move(mailbox->text), std::move(mailbox->local)};
}

std::optional<Base> uri_base(std::string_view text) {
    auto base = domain_base(text, Reach::host);
    if (base && ends_in_number(base->text)) return std::nullopt;
    return base;
}

std::optional<Base> network_base(ByteView octets) {
    const std::size_t size = octets.size();
    if (size != 8 && size != 32) return std::nullopt;
    return Base{Reach::network, to_text(octets.first(size / 2)), to_text(octets.last(size / 2))};
}

// nullopt: names nothing.
std::optional<Base> base_of(const GeneralName& name) {
    switch (name.type) {
        case GeneralNameType::dns_name:
            return dns_name_base(to_text(name.value));
        case GeneralNameType::rfc822_name:
            return mailbox_base(to_text(name.value));
        case GeneralNameType::uniform_resource_identifier:
            return uri_base(to_text(name.value));
        case GeneralNameType::ip_address:
            return network_base(name.value);
        case GeneralNameType::directory_name:
            if (!name.directory_name) return std::nullopt;
            return Base{Reach::prefix, name.directory_name->folded, {}};
        case GeneralNameType::registered_id:
            return Base{Reach::itself, to_text(name.value), {}};
        default:
            return std::nullopt;
    }
}

// --- comparing ----------------------------------------------------------------------------------

bool is_in_network(const Base& base, std::string_view address) {
    if (address.size() != base.text.size()) return false;
    for (std::size_t i = 0; i < address.size(); ++i) {
        if (((address[i] ^ base.text[i]) & base.local[i]) != 0) return false;
    }
    return true;
}

// Every name that `name` stands for.
bool is_within(const Base& base, const Comparable& name) {
    switch (base.reach) {
        case Reach::everything:
            return true;
        case Reach::host:
            return name.text == base.text;
        case Reach::below:
            return is_below(name.text, base.text);
        case Reach::host_and_below:
            return name.text == base.text || is_below(name.text, base.text);
        case Reach::suffix:
            return name.text.ends_with(base.text);
        case Reach::mailbox:
            return name.text == base.text && name.local == base.local;
        case Reach::network:
            return is_in_network(base, name.text);
        case Reach::prefix:
            // A key is made of one part an RDN that says where it ends.
            return name.text.starts_with(base.text);
        case Reach::itself:
            return name.text == base.text;
    }
    return false;
}

// Any name that the pattern stands for. What lies between several '*' may be anything.
bool may_be_within(const Base& base, const Pattern& pattern) {
    if (base.reach == Reach::everything) return true;
    std::string_view domain = base.text;
    if (!pattern.right.empty()) {
        if (pattern.right == domain || is_below(pattern.right, domain)) return true;
        if (!is_below(domain, pattern.right)) return false;
        domain.remove_suffix(pattern.right.size() + 1);
    }
    if (!pattern.in_one_label) return true;
    const std::string_view label = take_last_label(domain);
    if (label.size() < pattern.before.size() + pattern.after.size() ||
        !label.starts_with(pattern.before) || !label.ends_with(pattern.after))
        return false;
    if (pattern.left == domain) return base.reach == Reach::host_and_below;
    return domain.empty() || is_below(pattern.left, domain);
}

struct PreparedSubtree {
    const Subtree* subtree = nullptr;
    bool applied = false;
    std::optional<Base> base;  // nullopt: holds nothing
};

// The subtrees of one form.
struct Subtrees {
    std::vector<PreparedSubtree> permitted;
    std::vector<PreparedSubtree> excluded;
    bool empty() const { return permitted.empty() && excluded.empty(); }
};

bool has_meaning(GeneralNameType form) {
    switch (form) {
        case GeneralNameType::dns_name:
        case GeneralNameType::rfc822_name:
        case GeneralNameType::uniform_resource_identifier:
        case GeneralNameType::ip_address:
        case GeneralNameType::directory_name:
        case GeneralNameType::registered_id:
            return true;
        default:
            return false;
    }
}

using SubtreesByForm = std::array<Subtrees, form_count>;

// A reader that is laxer than RFC 5280 in what a base holds.
void widen(Base& base, GeneralNameType form, const NameConstraintScope& scope) {
    const bool has_hosts = form == GeneralNameType::rfc822_name ||
                           form == GeneralNameType::uniform_resource_identifier;
    if (has_hosts && base.reach == Reach::host && scope.hosts_hold_those_below)
        base.reach = Reach::host_and_below;
    if (base.reach == Reach::mailbox && !scope.local_part_case_counts)
        base.local = lower_case(base.local);
    if (form == GeneralNameType::dns_name && base.reach == Reach::host_and_below &&
        !scope.dns_by_label)
        base.reach = Reach::suffix;
}

bool is_applied(const GeneralName& base, const NameConstraintScope& scope) {
    constexpr std::size_t ipv6_network = 32;  // address and mask
    if (base.type == GeneralNameType::ip_address && base.value.size() == ipv6_network &&
        !scope.ipv6_applied)
        return false;
    return has_meaning(base.type) && std::ranges::find(scope.forms, base.type) != scope.forms.end();
}

PreparedSubtree prepare(const Subtree& subtree, const NameConstraintScope& scope) {
    const GeneralNameType form = subtree.base.type;
    PreparedSubtree prepared{&subtree, false, std::nullopt};
    prepared.applied = is_applied(subtree.base, scope);
    if (!prepared.applied) return prepared;
    prepared.base = base_of(subtree.base);
    if (prepared.base) widen(*prepared.base, form, scope);
    return prepared;
}

SubtreesByForm prepare(const NameConstraints& constraints, const NameConstraintScope& scope) {
    SubtreesByForm by_form;
    if (scope.permitted) {
        for (const Subtree& subtree : constraints.permitted)
            by_form.at(index_of(subtree.base.type)).permitted.push_back(prepare(subtree, scope));
    }
    if (scope.excluded) {
        for (const Subtree& subtree : constraints.excluded)
            by_form.at(index_of(subtree.base.type)).excluded.push_back(prepare(subtree, scope));
    }
    return by_form;
}

struct Fault {
    Kind kind{};
    const PreparedSubtree* subtree = nullptr;  // that excludes it or is not applicable
};

// Whether a permitted subtree has a say on a name of its form.
bool speaks_of(const PreparedSubtree& subtree, const std::optional<Comparable>& name,
               const NameConstraintScope& scope) {
    const bool other_family = scope.ip_families_apart && name && subtree.base &&
                              subtree.base->reach == Reach::network &&
                              subtree.base->text.size() != name->text.size();
    return !other_family;
}

std::optional<Fault> find_fault(const Subtrees& subtrees, GeneralNameType form,
                                const std::optional<Comparable>& name,
                                const NameConstraintScope& scope) {
    std::optional<Pattern> pattern;
    if (form == GeneralNameType::dns_name && scope.wildcards_stand_for_names && name &&
        name->text.find('*') != std::string::npos)
        pattern = pattern_of(name->text);
    for (const PreparedSubtree& excluded : subtrees.excluded) {
        if (!excluded.applied) return Fault{Kind::not_applicable, &excluded};
        if (excluded.base && name &&
            (pattern ? may_be_within(*excluded.base, *pattern) : is_within(*excluded.base, *name)))
            return Fault{Kind::excluded, &excluded};
    }
    bool has_say = false;
    bool permitted = false;
    for (const PreparedSubtree& subtree : subtrees.permitted) {
        if (!subtree.applied) return Fault{Kind::not_applicable, &subtree};
        if (!speaks_of(subtree, name, scope)) continue;
        has_say = true;
        if (subtree.base && name && is_within(*subtree.base, *name)) permitted = true;
    }
    if (!name || (has_say && !permitted)) return Fault{Kind::not_permitted, nullptr};
    return std::nullopt;
}

// --- the names of a certificate -----------------------------------------------------------------

const Oid& subject_alt_name() {
    static const Oid id = oid_from_name("subjectAltName").value();
    return id;
}

// One of: an entry of subjectAltName, an attribute of the subject, the subject.
struct Held {
    GeneralNameType form{};
    const GeneralName* entry = nullptr;
    std::size_t extension = 0;
    std::size_t number = 0;
    const AttributeTypeAndValue* attribute = nullptr;
};

bool looks_like_host_name(std::string_view text) {
    std::string host = lower_case(text);
    std::ranges::replace(host, '*', '-');
    return is_domain(host) && host.find('.') != std::string::npos && !ends_in_number(host);
}

bool email_addresses_are_held(const Certificate& certificate, EmailAddressesHeld when,
                              bool has_rfc822_name) {
    switch (when) {
        case EmailAddressesHeld::never:
            return false;
        case EmailAddressesHeld::if_no_san:
            return !find_extension(certificate, "subjectAltName");
        case EmailAddressesHeld::if_no_rfc822_name:
            return !has_rfc822_name;
        case EmailAddressesHeld::always:
            return true;
    }
    return false;
}

// Of names of other forms, those that constraints on dNSNames may hold as well.
bool is_held_as_host(GeneralNameType form) {
    return form == GeneralNameType::uniform_resource_identifier ||
           form == GeneralNameType::ip_address || form == GeneralNameType::other_name;
}

std::vector<Held> names_of(const Certificate& certificate, const NameConstraintScope& scope) {
    std::vector<Held> names;
    std::array<bool, form_count> seen{};
    for (std::size_t i = 0; i < certificate.extensions.size(); ++i) {
        const Extension& extension = certificate.extensions[i];
        const auto* san = std::get_if<GeneralNames>(&extension.value);
        if (!san || extension.id != subject_alt_name()) continue;
        for (std::size_t j = 0; j < san->names.size(); ++j) {
            const GeneralName& name = san->names[j];
            names.push_back({name.type, &name, i, j, nullptr});
            if (scope.dns_holds_more && is_held_as_host(name.type)) {
                names.push_back({GeneralNameType::dns_name, &name, i, j, nullptr});
            }
            seen.at(index_of(name.type)) = true;
        }
    }
    const Name& subject = certificate.subject;
    if (!subject.empty()) names.push_back({GeneralNameType::directory_name});
    const auto add_attributes = [&](GeneralNameType form, std::string_view type, auto counts) {
        for (const AttributeTypeAndValue* attribute :
             find_attributes(subject, oid_from_name(type).value())) {
            if (counts(attribute->text)) names.push_back({form, nullptr, 0, 0, attribute});
        }
    };
    if (email_addresses_are_held(certificate, scope.on_email,
                                 seen.at(index_of(GeneralNameType::rfc822_name)))) {
        add_attributes(GeneralNameType::rfc822_name, "emailAddress",
                       [](std::string_view) { return true; });
    }
    if (scope.on_cn && !seen.at(index_of(GeneralNameType::dns_name)))
        add_attributes(GeneralNameType::dns_name, "commonName", looks_like_host_name);
    return names;
}

std::optional<Comparable> comparable(const Held& held, const Certificate& certificate) {
    if (held.entry && held.form != held.entry->type) {
        return Comparable{lower_case(to_text(held.entry->value)), {}};
    }
    if (held.entry) return comparable(*held.entry);
    if (!held.attribute) return Comparable{certificate.subject.folded, {}};
    return held.form == GeneralNameType::dns_name ? comparable_dns_name(held.attribute->text)
                                                  : comparable_mailbox(held.attribute->text);
}

std::string to_string(const Held& held, const Certificate& certificate) {
    if (held.entry) return to_string(*held.entry);
    if (!held.attribute) return fmt::format("subject {}", to_string(certificate.subject));
    return fmt::format("{} {}", oid_name(held.attribute->type), printable(held.attribute->text));
}

std::string extension_field(std::size_t number) {
    return fmt::format("tbsCertificate.extensions[{}].extnValue", number);
}

std::string detail_of(const Fault& fault, const Held& held, const Subtrees& subtrees,
                      const Certificate& certificate) {
    const std::string name = to_string(held, certificate);
    const auto base = [](const PreparedSubtree& subtree) {
        return to_string(subtree.subtree->base);
    };
    if (fault.kind == Kind::excluded)
        return fmt::format("{} is within the excluded {}", name, base(*fault.subtree));
    if (fault.kind == Kind::not_applicable)
        return fmt::format(
            "{} cannot be held to the constraint {}: constraints of this form are not applied",
            name, base(*fault.subtree));
    if (!comparable(held, certificate))
        return fmt::format("{} cannot be compared with the constraints on {}", name,
                           general_name_type_name(held.form));
    const std::size_t others = subtrees.permitted.size() - 1;
    const std::string first = base(subtrees.permitted.front());
    if (others == 0) return fmt::format("{} is not within {}", name, first);
    return fmt::format("{} is not within {}, nor within {} other permitted subtree{}", name, first,
                       others, others == 1 ? "" : "s");
}

NameViolation violation(const Fault& fault, const Held& held, const Subtrees& subtrees,
                        const Certificate& certificate) {
    NameViolation out{fault.kind, certificate.subject.place, "tbsCertificate.subject",
                      detail_of(fault, held, subtrees, certificate)};
    if (held.entry) {
        out.place = held.entry->value_place;
        out.field = fmt::format("{}.names[{}]", extension_field(held.extension), held.number);
    } else if (held.attribute) {
        out.place = held.attribute->value_place;
        out.field += '.' + oid_name(held.attribute->type);
    }
    return out;
}

enum class Readable { any, no };

// The first subjectAltName, or nullopt.
std::optional<std::size_t> find_san(const Certificate& certificate, Readable readable) {
    const auto found =
        std::ranges::find_if(certificate.extensions, [readable](const Extension& extension) {
            return extension.id == subject_alt_name() &&
                   (readable == Readable::any || extension.decode_error);
        });
    if (found == certificate.extensions.end()) return std::nullopt;
    return static_cast<std::size_t>(found - certificate.extensions.begin());
}

// To the names as a whole: those of an extension, or the subject.
NameViolation not_applicable(const Certificate& certificate, std::optional<std::size_t> extension,
                             std::string detail) {
    if (!extension)
        return {Kind::not_applicable, certificate.subject.place, "tbsCertificate.subject",
                std::move(detail)};
    return {Kind::not_applicable, certificate.extensions[*extension].value_place,
            extension_field(*extension), std::move(detail)};
}

}  // namespace

FormsNotApplied forms_not_applied(const NameConstraints& constraints,
                                  const NameConstraintScope& scope) {
    FormsNotApplied forms;
    for (const auto* list : {&constraints.permitted, &constraints.excluded}) {
        for (const Subtree& subtree : *list) {
            if (is_applied(subtree.base, scope)) continue;
            const bool is_usual =
                has_meaning(subtree.base.type) &&
                subtree.base.type != GeneralNameType::registered_id &&
                std::ranges::find(scope.forms, subtree.base.type) == scope.forms.end();
            (is_usual ? forms.usual : forms.other) = true;
        }
    }
    return forms;
}

bool names_something(const GeneralName& base) {
    return base_of(base).has_value();
}

std::optional<NameViolation> find_violation(const NameConstraints& constraints,
                                            const Certificate& certificate,
                                            const NameConstraintScope& scope) {
    const std::size_t subtree_count = (scope.permitted ? constraints.permitted.size() : 0) +
                                      (scope.excluded ? constraints.excluded.size() : 0);
    if (subtree_count == 0) return std::nullopt;
    const std::vector<Held> names = names_of(certificate, scope);
    if (names.size() > max_comparisons / subtree_count)
        return not_applicable(certificate, find_san(certificate, Readable::any),
                              fmt::format("{} names and {} constraints are too many to compare",
                                          names.size(), subtree_count));
    const SubtreesByForm by_form = prepare(constraints, scope);
    std::optional<Fault> open;
    const Held* open_name = nullptr;
    for (const Held& held : names) {
        const Subtrees& subtrees = by_form.at(index_of(held.form));
        if (subtrees.empty()) continue;
        auto name = comparable(held, certificate);
        if (name && !scope.local_part_case_counts) name->local = lower_case(name->local);
        const auto fault = find_fault(subtrees, held.form, name, scope);
        if (!fault) continue;
        if (fault->kind != Kind::not_applicable)
            return violation(*fault, held, subtrees, certificate);
        if (!open) {
            open = fault;
            open_name = &held;
        }
    }
    if (open)
        return violation(*open, *open_name, by_form.at(index_of(open_name->form)), certificate);
    if (const auto unreadable = find_san(certificate, Readable::no))
        return not_applicable(certificate, unreadable,
                              "subjectAltName cannot be read, and its names are constrained");
    return std::nullopt;
}

}  // namespace handset::x509
