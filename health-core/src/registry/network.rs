//! Address ranges of guards and settings.

use std::net::IpAddr;

use ipnet::IpNet;

/// Parses an address or a range. The address is parsed by std, which rejects
/// `010.0.0.0`: some parsers read it as 8.0.0.0.
///
/// # Errors
///
/// Returns what to write instead.
pub(crate) fn network(text: &str) -> Result<IpNet, String> {
    let parse = || {
        let Some((address, _)) = text.split_once('/') else {
            return text.parse::<IpAddr>().ok().map(IpNet::from);
        };
        address.parse::<IpAddr>().ok()?;
        text.parse().ok()
    };
    let network = parse().ok_or_else(|| {
        "an address, or one and the length of its prefix: `10.0.0.0/8`".to_owned()
    })?;
    match instead_of_mapped(&network).or_else(|| without_host_bits(&network)) {
        Some(instead) => Err(instead),
        None => Ok(network),
    }
}

/// Returns what to write instead of a range whose address has bits after the
/// prefix, since it is unclear which of the two is meant.
fn without_host_bits(network: &IpNet) -> Option<String> {
    let (address, range) = (network.addr(), network.trunc());
    (range.addr() != address).then(|| format!("`{range}`, or `{address}` for this address alone"))
}

/// Returns what to write instead of an IPv4-mapped IPv6 range. Client addresses
/// never have this form, because `::ffff:10.0.0.1` is converted to `10.0.0.1`.
fn instead_of_mapped(network: &IpNet) -> Option<String> {
    const PREFIX: u8 = 96;
    let IpNet::V6(network) = network else {
        return None;
    };
    let address = network.addr().to_ipv4_mapped()?;
    let instead = match network.prefix_len().checked_sub(PREFIX) {
        Some(32) => address.to_string(),
        Some(length) => format!("{address}/{length}"),
        None => format!("{address}/32"),
    };
    Some(format!("`{instead}`, since IPv4 in IPv6 counts as IPv4"))
}
