#include "emulator/cli/options.h"
#include "emulator/report/listing.h"

namespace handset::cli {

int devices(const std::vector<std::string>& arguments, const Streams& streams) {
    const po::options_description options = listing_options();
    const auto parsed =
        parse(arguments, options,
              {"handset devices [ID|GLOB…] [options]",
               "Lists the devices; with one id, every statement of its profile, the grade of its\n"
               "evidence and its source.",
               "  handset devices\n"
               "  handset devices 'outlook-*'\n"
               "  handset devices nokia-m4e-symbian-9.2\n"
               "  handset devices --format json\n"},
              streams);
    if (!parsed) return 0;
    const bool as_json = wants_json(parsed->values);
    const report::Style style = style_of(parsed->values, streams);
    const Library library(home());
    const std::vector<device::Device> found =
        library.find(parsed->words.empty() ? std::vector<std::string>{"*"} : parsed->words);
    with_output(parsed->values, streams, [&](std::ostream& out) {
        if (as_json) {
            report::write_devices_json(found, out);
        } else if (parsed->words.size() == 1 && found.size() == 1) {
            report::write_device(found.front(), style, out);
        } else {
            report::write_devices_table(found, style, out);
        }
    });
    return 0;
}

}  // namespace handset::cli
