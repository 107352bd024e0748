// How objections are raised: against a statement of the profile, against the standard, or as open
// because the profile is silent. Internal to the judge.
#pragma once

#include <algorithm>
#include <iterator>
#include <optional>
#include <vector>

#include "emulator/device/device.h"
#include "emulator/judge/path.h"

namespace handset::judge {

struct Objection {
    rules::Finding finding;
    // The profile says nothing of the thing in question, so whether the device objects is open.
    bool undecided = false;
    // Grade and source of the section's statement that raised it; nullopt for the standard's own.
    std::optional<device::Grade> grade;
    std::string source;
    // Place of the certificate on the path, leaf 0; nullopt for what concerns no certificate of it.
    std::optional<std::size_t> path_position;
    // Rule whose tolerance answers where the profile has none for the finding's own; may be empty.
    std::string_view acts_as;
};

class Objector {
public:
    explicit Objector(const device::Device& of) : device(of) {}

    const device::Device& device;
    std::vector<Objection> list;
    // Weakest grade of the statements that declared something fine; captured when none was needed.
    device::Grade consulted = device::Grade::captured;

    // The statement's value, counted as consulted; nullptr when the profile is silent. A statement
    // that is only assumed is silence.
    template <typename T>
    const T* said(const device::Stated<T>& stated) {
        if (is_silent(stated)) return nullptr;
        consulted = std::min(consulted, stated->grade);
        return &stated->value;
    }
    template <typename T>
    static bool is_silent(const device::Stated<T>& stated) {
        return !stated || stated->grade == device::Grade::assumed;
    }

    // What another one has collected, behind what is here.
    void take(Objector other) {
        std::ranges::move(other.list, std::back_inserter(list));
        consulted = std::min(consulted, other.consulted);
    }

    Objection& object(rules::Finding finding) {
        list.push_back({std::move(finding), false, std::nullopt, "", std::nullopt, ""});
        return list.back();
    }
    // Undecided when the statement was not made.
    template <typename T>
    Objection& object(rules::Finding finding, const device::Stated<T>& because) {
        Objection& objection = object(std::move(finding));
        if (is_silent(because)) {
            objection.undecided = true;
        } else {
            objection.grade = because->grade;
            objection.source = because->source;
        }
        return objection;
    }
    // For demands that the standard makes of everybody: where the section is silent, the standard's
    // measure was taken, and the profile's tolerance for the rule says what the device does.
    template <typename T>
    Objection& object_by_standard(rules::Finding finding, const device::Stated<T>& because) {
        Objection& objection = object(std::move(finding), because);
        objection.undecided = false;
        return objection;
    }
};

// A finding at a place of a certificate.
rules::Finding finding_on(const PathCertificate& certificate, std::string_view rule,
                          x509::Place place, std::string field, std::string detail);
// The same, by its position on the path.
rules::Finding finding_at(const Path& path, std::size_t position, std::string_view rule,
                          x509::Place place, std::string field, std::string detail);
// A finding at `offset` of the server's octets.
rules::Finding finding_in_stream(std::string_view rule, std::size_t offset, ByteView bytes,
                                 std::string field, std::string detail);

}  // namespace handset::judge
