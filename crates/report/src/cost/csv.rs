//! `cost.csv`: every line of the bill at the load that was measured, with the column names of FOCUS where it has one;
//! `cost-curve.csv`: a million requests at every rate and number of logins.

use super::Cost;

const HEAD: &str = "ChargeCategory,ServiceCategory,ResourceId,SkuId,ChargeDescription,ConsumedQuantity,PricingQuantity,PricingUnit,ListUnitPrice,ListCost,BillingCurrency,PriceDate,PriceSource,x_Scenario,x_RequestsPerSecond,x_LiveLogins,x_CostLow,x_CostHigh\n";

/// The file. One line per row and resource, for a million requests; a last line per row (`SkuId` = `total`) has the
/// interval. Quantities are those of a million requests.
#[must_use]
pub fn csv(cost: Option<&Cost>) -> String {
    let mut out = HEAD.to_owned();
    let Some(cost) = cost else { return out };
    let mut line = |cells: &[String]| {
        out.push_str(&cells.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(","));
        out.push('\n');
    };
    for scenario in &cost.scenarios {
        let load = |cells: &mut Vec<String>, low: String, high: String| {
            cells.extend([
                scenario.name.clone(),
                scenario.measured_rate.to_string(),
                scenario.measured_logins.map_or_else(String::new, |logins| logins.to_string()),
                low,
                high,
            ]);
        };
        for row in &scenario.rows {
            for item in &row.items {
                let price = cost.prices.iter().find(|price| price.resource == item.resource);
                let of = |what: fn(&super::PriceLine) -> String| price.map_or_else(String::new, what);
                let mut cells = vec![
                    "Usage".to_owned(),
                    item.resource.service().to_owned(),
                    row.row.clone(),
                    item.resource.key().to_owned(),
                    item.resource.label().to_owned(),
                    "1000000".to_owned(),
                    item.quantity.to_string(),
                    item.resource.focus_unit().to_owned(),
                    of(|price| price.price.to_string()),
                    item.cost.to_string(),
                    cost.currency.clone(),
                    of(|price| price.as_of.clone()),
                    of(|price| price.source.clone()),
                ];
                load(&mut cells, String::new(), String::new());
                line(&cells);
            }
            let bound = |bound: Option<f64>| bound.map_or_else(String::new, |bound| bound.to_string());
            let mut cells =
                ["Usage", "", &row.row, "total", "all of the above", "1000000"].map(str::to_owned).to_vec();
            cells.extend(["1000000".to_owned(), "Requests".to_owned(), String::new()]);
            cells.extend([
                row.per_million.value.to_string(),
                cost.currency.clone(),
                cost.oldest_price.clone(),
            ]);
            cells.push(String::new());
            load(&mut cells, bound(row.per_million.low), bound(row.per_million.high));
            line(&cells);
        }
    }
    out
}

/// The curves: one line per scenario, row, live logins and request rate.
#[must_use]
pub fn curves(cost: Option<&Cost>) -> String {
    let mut out = "Scenario,ResourceId,LiveLogins,Extrapolated,RequestsPerSecond,ListCostPerMillion,CostLow,CostHigh,BillingCurrency\n".to_owned();
    let Some(cost) = cost else { return out };
    let bound = |bound: Option<f64>| bound.map_or_else(String::new, |bound| bound.to_string());
    for scenario in &cost.scenarios {
        for (row, curve) in
            scenario.rows.iter().flat_map(|row| row.curves.iter().map(move |curve| (row, curve)))
        {
            for (rate, figure) in curve.rates.iter().zip(&curve.per_million) {
                let cells = [
                    quoted(&scenario.name),
                    quoted(&row.row),
                    curve.logins.to_string(),
                    curve.extrapolated.to_string(),
                    rate.to_string(),
                    figure.value.to_string(),
                    bound(figure.low),
                    bound(figure.high),
                    quoted(&cost.currency),
                ];
                out.push_str(&cells.join(","));
                out.push('\n');
            }
        }
    }
    out
}

/// RFC 4180; a text that a spreadsheet would take for a formula gets an apostrophe.
fn quoted(cell: &str) -> String {
    let formula =
        cell.starts_with(['=', '+', '@']) || (cell.starts_with('-') && cell.parse::<f64>().is_err());
    let cell = if formula { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}
