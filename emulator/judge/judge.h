// judge(device, evidence, question): what this device makes of this flight. Pure: the same inputs
// give the same verdict; no I/O, no clock, no globals. Everything device-specific comes from the
// Device value.
#pragma once

#include <vector>

#include "emulator/device/device.h"
#include "emulator/judge/certificate_set.h"
#include "emulator/judge/signatures.h"
#include "emulator/judge/verdict.h"
#include "handshake/base/time.h"

namespace handset::judge {

// A root as a user installs it on the device, and the format of its file.
struct InstalledRoot {
    x509::Certificate certificate;
    device::RootFormat format = device::RootFormat::der;
};

struct Question {
    std::string host;  // the name the device was configured with; empty: names are not judged
    Time at{};         // the device's clock
    // Outlook's proxy principal with its prefix, "msstd:mail.contoso.com"; empty: msstd:<host>.
    // "none" switches the check off, as Set-OutlookProvider does.
    std::string msstd;
    std::vector<InstalledRoot> installed_roots;
    // In place of the device's store: certificates, and roots known by their fingerprints only.
    std::optional<CertificateSet> roots;
    std::optional<device::Store> listed_roots;
    // What authorityInfoAccess leads to, for devices that follow it.
    CertificateSet aia;
    // Certificates of public roots: keys for anchors that a store knows by fingerprint. No trust
    // comes from them.
    CertificateSet known_roots;
    // Remembers signatures that were checked before; changes no verdict.
    SignatureCache* signatures = nullptr;
};

// `store` is the one that device.trust names, or nullptr when it names none. Evidence of a flight
// that is still going on is judged by what it holds so far.
Verdict judge(const device::Device& device, const device::Store* store,
              const rules::Evidence& evidence, const Question& question);

}  // namespace handset::judge
