#include <fmt/format.h>

#include "emulator/cli/options.h"
#include "emulator/flight/files.h"

namespace handset::cli {

int check(const std::vector<std::string>& arguments, const Streams& streams) {
    po::options_description options;
    options.add(question_options()).add(output_options());
    const auto parsed = parse(
        arguments, options,
        {"handset check CHAIN… [options]",
         "Judges certificates as a server would send them: the server's own first, then its\n"
         "intermediates, in the order given. CHAIN is PEM, DER, PKCS #7 or PKCS #12. Nothing is "
         "sent\n"
         "anywhere.",
         "  handset check chain.pem --host mail.contoso.com\n"
         "  handset check leaf.cer intermediate.cer --device 'nokia-*' --install-root root.cer\n"
         "  handset check chain.pem --at 2007-09-02 --explain\n"
         "  handset check chain.pem --device outlook-2007-windows-xp --msstd "
         "msstd:mail.contoso.com\n"
         "  handset check chain.pem --roots cacerts.jks --store-password changeit\n"
         "  handset check chain.pem --format json -o verdicts.json\n"},
        streams);
    if (!parsed) return 0;
    if (parsed->words.empty()) {
        throw UsageError("no certificate file given; try: handset check chain.pem --host NAME");
    }
    Asked asked = read_question(parsed->values);
    judge::SignatureCache signatures;
    asked.question.signatures = &signatures;
    Library library(home());
    const std::vector<device::Device> devices = library.find(asked.device_patterns);

    const wire::Flight flight = flight::flight_of({parsed->words.begin(), parsed->words.end()});
    const handset::rules::Evidence evidence = handset::rules::read(flight);
    report::Report report;
    report.version = HANDSET_VERSION;
    report.target = fmt::format("{}", fmt::join(parsed->words, " "));
    report.host = asked.question.host;
    report.at = asked.question.at;
    for (const device::Device& device : devices) {
        report.entries.push_back(
            {judge_with(library, device, evidence, asked.question), flight.certificates, {}});
    }
    return write_report(report, parsed->values, streams);
}

}  // namespace handset::cli
