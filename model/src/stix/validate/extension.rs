//! The extensions that STIX 2.1 §6 itself defines for cyber-observables: one row a property.

use super::kind::Kind::{
    Boolean, Dictionary, Float, Hashes, List, Structure as Of, Text, TextOf, TimeToTheSecond, Word,
};
use super::kind::{ANY, COUNT, HEX, INTEGER, Kind, Property, Structure, TEXTS, may, must, to};
use super::rules::{StructureRule, http_header, pdf_information, socket_options};
use super::text;
use super::vocabulary as words;

/// An extension of which at least one property is present.
const fn some(section: &'static str, properties: &'static [Property]) -> Structure {
    Structure { section, properties, not_empty: true, rules: &[] }
}

const LIST: Kind = List(&Text);

pub(super) static ARCHIVE: Structure =
    some("STIX 2.1 §6.7.2", &[must("contains_refs", List(&to(&["file", "directory"]))), may("comment", Text)]);

pub(super) static NTFS: Structure =
    some("STIX 2.1 §6.7.3", &[may("sid", Text), may("alternate_data_streams", List(&Of(&ALTERNATE_DATA_STREAM)))]);

static ALTERNATE_DATA_STREAM: Structure =
    some("STIX 2.1 §6.7.3.2", &[must("name", Text), may("hashes", Hashes), may("size", COUNT)]);

pub(super) static PDF: Structure = Structure {
    rules: &[StructureRule::Own(pdf_information)],
    ..some(
        "STIX 2.1 §6.7.4",
        &[
            may("version", Text),
            may("is_optimized", Boolean),
            may("document_info_dict", Dictionary(&Text)),
            may("pdfid0", Text),
            may("pdfid1", Text),
        ],
    )
};

pub(super) static RASTER_IMAGE: Structure = some(
    "STIX 2.1 §6.7.5",
    &[
        may("image_height", INTEGER),
        may("image_width", INTEGER),
        may("bits_per_pixel", INTEGER),
        may("exif_tags", Dictionary(&ANY)),
    ],
);

pub(super) static WINDOWS_PE_BINARY: Structure = some(
    "STIX 2.1 §6.7.6",
    &[
        must("pe_type", Word(&words::WINDOWS_PE_BINARY)),
        may("imphash", Text),
        may("machine_hex", HEX),
        may("number_of_sections", COUNT),
        may("time_date_stamp", TimeToTheSecond),
        may("pointer_to_symbol_table_hex", HEX),
        may("number_of_symbols", COUNT),
        may("size_of_optional_header", COUNT),
        may("characteristics_hex", HEX),
        may("file_header_hashes", Hashes),
        may("optional_header", Of(&WINDOWS_PE_OPTIONAL_HEADER)),
        may("sections", List(&Of(&WINDOWS_PE_SECTION))),
    ],
);

static WINDOWS_PE_OPTIONAL_HEADER: Structure = some(
    "STIX 2.1 §6.7.6.2",
    &[
        may("magic_hex", HEX),
        may("major_linker_version", INTEGER),
        may("minor_linker_version", INTEGER),
        may("size_of_code", COUNT),
        may("size_of_initialized_data", COUNT),
        may("size_of_uninitialized_data", COUNT),
        may("address_of_entry_point", INTEGER),
        may("base_of_code", INTEGER),
        may("base_of_data", INTEGER),
        may("image_base", INTEGER),
        may("section_alignment", INTEGER),
        may("file_alignment", INTEGER),
        may("major_os_version", INTEGER),
        may("minor_os_version", INTEGER),
        may("major_image_version", INTEGER),
        may("minor_image_version", INTEGER),
        may("major_subsystem_version", INTEGER),
        may("minor_subsystem_version", INTEGER),
        may("win32_version_value_hex", HEX),
        may("size_of_image", COUNT),
        may("size_of_headers", COUNT),
        may("checksum_hex", HEX),
        may("subsystem_hex", HEX),
        may("dll_characteristics_hex", HEX),
        may("size_of_stack_reserve", COUNT),
        may("size_of_stack_commit", COUNT),
        may("size_of_heap_reserve", COUNT),
        may("size_of_heap_commit", COUNT),
        may("loader_flags_hex", HEX),
        may("number_of_rva_and_sizes", INTEGER),
        may("hashes", Hashes),
    ],
);

static WINDOWS_PE_SECTION: Structure = some(
    "STIX 2.1 §6.7.6.3",
    &[must("name", Text), may("size", COUNT), may("entropy", Float(f64::MIN, f64::MAX)), may("hashes", Hashes)],
);

pub(super) static HTTP_REQUEST: Structure = Structure {
    rules: &[StructureRule::Own(http_header)],
    ..some(
        "STIX 2.1 §6.12.2",
        &[
            must("request_method", Text),
            must("request_value", Text),
            may("request_version", Text),
            may("request_header", Dictionary(&TEXTS)),
            may("message_body_length", INTEGER),
            may("message_body_data_ref", to(&["artifact"])),
        ],
    )
};

pub(super) static ICMP: Structure = some("STIX 2.1 §6.12.3", &[must("icmp_type_hex", HEX), must("icmp_code_hex", HEX)]);

pub(super) static SOCKET: Structure = Structure {
    rules: &[StructureRule::Own(socket_options)],
    ..some(
        "STIX 2.1 §6.12.4",
        &[
            must("address_family", Word(&words::SOCKET_ADDRESS_FAMILY)),
            may("is_blocking", Boolean),
            may("is_listening", Boolean),
            may("options", Dictionary(&INTEGER)),
            may("socket_type", Word(&words::SOCKET_TYPE)),
            may("socket_descriptor", COUNT),
            may("socket_handle", INTEGER),
        ],
    )
};

pub(super) static TCP: Structure = some("STIX 2.1 §6.12.5", &[may("src_flags_hex", HEX), may("dst_flags_hex", HEX)]);

pub(super) static WINDOWS_PROCESS: Structure = some(
    "STIX 2.1 §6.13.2",
    &[
        may("aslr_enabled", Boolean),
        may("dep_enabled", Boolean),
        may("priority", TextOf(&text::PRIORITY)),
        may("owner_sid", Text),
        may("window_title", Text),
        may("startup_info", Dictionary(&ANY)),
        may("integrity_level", Word(&words::WINDOWS_INTEGRITY_LEVEL)),
    ],
);

pub(super) static WINDOWS_SERVICE: Structure = some(
    "STIX 2.1 §6.13.3",
    &[
        may("service_name", Text),
        may("descriptions", LIST),
        may("display_name", Text),
        may("group_name", Text),
        may("start_type", Word(&words::WINDOWS_SERVICE_START)),
        may("service_dll_refs", List(&to(&["file"]))),
        may("service_type", Word(&words::WINDOWS_SERVICE_TYPE)),
        may("service_status", Word(&words::WINDOWS_SERVICE_STATUS)),
    ],
);

pub(super) static UNIX_ACCOUNT: Structure =
    some("STIX 2.1 §6.16.2", &[may("gid", INTEGER), may("groups", LIST), may("home_dir", Text), may("shell", Text)]);
