//! `in_network(address, network)`.

use std::net::IpAddr;
use std::sync::Arc;

use arrow::array::BooleanArray;
use arrow::datatypes::DataType;
use datafusion::common::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use ipnet::IpNet;

use super::{at, constant, refused, texts};

/// Whether an address lies in a network; what is no address lies in none.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct InNetwork(Signature);

impl InNetwork {
    pub(super) fn new() -> Self {
        Self(Signature::any(2, Volatility::Immutable))
    }
}

impl ScalarUDFImpl for InNetwork {
    fn name(&self) -> &'static str {
        "in_network"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let addresses = texts(&args.args[0], args.number_rows)?;
        let network = constant("in_network", "network", &args.args[1])?;
        let network = network.map(|text| network_of(&text).ok_or_else(|| no_network(&text))).transpose()?;
        let lies_in = |row| Some(contains(&network?, at(&addresses, row)?));
        let found: BooleanArray = (0..args.number_rows).map(lies_in).collect();
        Ok(ColumnarValue::Array(Arc::new(found)))
    }
}

/// A network, or an address as the network of itself.
fn network_of(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

fn no_network(text: &str) -> DataFusionError {
    refused(format!("`{text}` is no network: write 10.0.0.0/8 or 2001:db8::/32"))
}

/// IPv4 addresses written as IPv6 ones (`::ffff:10.0.0.1`) count as what they are.
fn contains(network: &IpNet, address: &str) -> bool {
    let address = address.trim().parse::<IpAddr>().map(|address| address.to_canonical());
    address.is_ok_and(|address| network.contains(&address))
}
